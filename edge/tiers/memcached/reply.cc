#include "edge/tiers/memcached/reply.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace meridian::memcached {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

// Takes the word up to the next space off `rest`.
std::string_view take_word(std::string_view& rest) {
  const std::size_t space = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, space);
  rest.remove_prefix(std::min(space + 1, rest.size()));
  return word;
}

// Digits only, and all of them.
std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool begins(std::string_view line, std::string_view word) {
  return line.substr(0, word.size()) == word && (line.size() == word.size() || line[word.size()] == ' ');
}

}  // namespace

std::span<char> ReplyReader::room() {
  if (state_ == State::kValue) {
    return {value_->data() + value_filled_, value_size_ + kLineEnd.size() - value_filled_};
  }
  if (!buffer_) buffer_.reset(new char[kBufferBytes]);
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ == kBufferBytes) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  return {buffer_.get() + end_, kBufferBytes - end_};
}

void ReplyReader::commit(std::size_t bytes) { (state_ == State::kValue ? value_filled_ : end_) += bytes; }

void ReplyReader::reset() {
  state_ = State::kLine;
  begin_ = end_ = 0;
  value_.reset();
}

Reply ReplyReader::next() {
  switch (state_) {
    case State::kLine:
      return read_line();
    case State::kValue:
      return finish_value();
    case State::kSkip:
      return skip();
    case State::kBroken:
      break;
  }
  return {.kind = Reply::Kind::kBroken};
}

Reply ReplyReader::broken() {
  state_ = State::kBroken;
  return {.kind = Reply::Kind::kBroken};
}

Reply ReplyReader::read_line() {
  const std::string_view bytes = unread().substr(0, kMaxLine);
  const std::size_t end = bytes.find('\n');
  if (end == std::string_view::npos) return bytes.size() == kMaxLine ? broken() : Reply{};
  if (end == 0 || bytes[end - 1] != '\r') return broken();
  begin_ += end + 1;
  return parse_line(bytes.substr(0, end - 1));
}

Reply ReplyReader::parse_line(std::string_view line) {
  using Kind = Reply::Kind;
  if (begins(line, "VALUE")) return begin_value(line.substr(std::min<std::size_t>(6, line.size())));
  if (begins(line, "STAT")) {
    line.remove_prefix(std::min<std::size_t>(5, line.size()));
    const std::string_view name = take_word(line);
    return {.kind = Kind::kStat, .name = name, .number = number_of(line).value_or(0)};
  }
  if (line == "END") return {.kind = Kind::kEnd};
  if (line == "STORED") return {.kind = Kind::kStored};
  if (line == "NOT_STORED") return {.kind = Kind::kNotStored};
  if (line == "DELETED") return {.kind = Kind::kDeleted};
  if (line == "NOT_FOUND") return {.kind = Kind::kNotFound};
  if (begins(line, "SERVER_ERROR")) return {.kind = Kind::kServerError};
  return broken();
}

// "<key> <flags> <bytes>", and a fourth word that only "gets" brings.
Reply ReplyReader::begin_value(std::string_view rest) {
  const std::string_view name = take_word(rest);
  const auto flags = number_of(take_word(rest));
  const auto size = number_of(rest);
  if (name.empty() || name.size() > sizeof name_ || !flags || !size || *size > kMostSkipped) return broken();
  name_size_ = name.copy(name_, sizeof name_);
  if (*size > max_value_) {
    state_ = State::kSkip;
    left_to_skip_ = *size + kLineEnd.size();
    return skip();
  }
  state_ = State::kValue;
  value_size_ = static_cast<std::size_t>(*size);
  value_ = Block::allocate(value_size_ + kLineEnd.size());
  value_filled_ = unread().copy(value_->data(), value_size_ + kLineEnd.size());
  begin_ += value_filled_;
  return finish_value();
}

Reply ReplyReader::finish_value() {
  if (value_filled_ < value_size_ + kLineEnd.size()) return {};
  const char* data = value_->data();
  if (std::string_view(data + value_size_, kLineEnd.size()) != kLineEnd) return broken();
  state_ = State::kLine;
  return {.kind = Reply::Kind::kValue,
          .name = {name_, name_size_},
          .value = {std::move(value_), data, value_size_}};
}

Reply ReplyReader::skip() {
  const std::uint64_t now = std::min<std::uint64_t>(left_to_skip_, end_ - begin_);
  begin_ += static_cast<std::size_t>(now);
  left_to_skip_ -= now;
  if (left_to_skip_ != 0) return {};
  state_ = State::kLine;
  return {.kind = Reply::Kind::kTooLarge, .name = {name_, name_size_}};
}

}  // namespace meridian::memcached
