#include "lib/wire/parameters.h"

#include <algorithm>
#include <charconv>

namespace meridian::wire {
namespace {

bool is_token_char(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::size_t token_size(std::string_view text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_token_char);
  return static_cast<std::size_t>(end - text.begin());
}

void skip_space(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
}

// What a quoted string may hold, behind a backslash or not: no control characters but a tab.
bool is_quotable(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == '\t' || (byte >= 0x20 && byte != 0x7F);
}

}  // namespace

bool is_token(std::string_view text) { return !text.empty() && token_size(text) == text.size(); }

bool ParameterReader::next() {
  if (is_broken_) return false;
  skip_space(rest_);
  if (rest_.empty()) return false;
  if (!is_first_) {
    if (rest_.front() != ';') return fail();
    rest_.remove_prefix(1);
    skip_space(rest_);
  }
  is_first_ = false;
  name_ = rest_.substr(0, token_size(rest_));
  rest_.remove_prefix(name_.size());
  if (name_.empty() || rest_.empty() || rest_.front() != '=') return fail();
  rest_.remove_prefix(1);
  if (!rest_.empty() && rest_.front() == '"') return take_quoted();
  value_ = rest_.substr(0, token_size(rest_));
  rest_.remove_prefix(value_.size());
  return !value_.empty() || fail();
}

bool ParameterReader::take_quoted() {
  unescaped_.clear();
  std::size_t at = 1;
  for (; at < rest_.size() && rest_[at] != '"'; ++at) {
    if (rest_[at] == '\\' && ++at == rest_.size()) return fail();
    if (!is_quotable(rest_[at])) return fail();
    unescaped_ += rest_[at];
  }
  if (at >= rest_.size()) return fail();
  rest_.remove_prefix(at + 1);
  value_ = unescaped_;
  return true;
}

bool append_parameter(std::string_view name, std::string_view value, std::string& to) {
  if (!std::all_of(value.begin(), value.end(), is_quotable)) return false;
  if (!to.empty()) to += ';';
  to.append(name) += '=';
  if (is_token(value)) {
    to += value;
    return true;
  }
  to += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') to += '\\';
    to += c;
  }
  to += '"';
  return true;
}

std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t most) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_whole = error == std::errc() && end == text.data() + text.size();
  if (!is_whole || (text.size() > 1 && text.front() == '0') || number > most) return std::nullopt;
  return number;
}

}  // namespace meridian::wire
