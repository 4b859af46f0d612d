#include "lib/wire/json.h"

#include <algorithm>
#include <charconv>

#include "lib/wire/parameters.h"

namespace meridian::wire {

std::string_view name_of(Json::Kind kind) {
  switch (kind) {
    case Json::Kind::kNull:
      return "null";
    case Json::Kind::kBool:
      return "true or false";
    case Json::Kind::kNumber:
      return "a number";
    case Json::Kind::kString:
      return "a string";
    case Json::Kind::kArray:
      return "an array";
    case Json::Kind::kObject:
      break;
  }
  return "an object";
}

std::optional<std::uint64_t> Json::number(std::uint64_t most) const {
  return kind_ == Kind::kNumber ? parse_number(text_, most) : std::nullopt;
}

const Json* Json::find(std::string_view name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  return found == names_.end() ? nullptr : &items_[static_cast<std::size_t>(found - names_.begin())];
}

std::string Json::to_text() const {
  std::string text;
  write(text);
  return text;
}

void Json::write(std::string& to) const {
  JsonWriter writer(to);
  switch (kind_) {
    case Kind::kNull:
      writer.null();
      break;
    case Kind::kBool:
      writer.flag(flag_);
      break;
    case Kind::kNumber:
      writer.raw(text_);
      break;
    case Kind::kString:
      writer.string(text_);
      break;
    case Kind::kArray:
    case Kind::kObject:
      to += kind_ == Kind::kArray ? '[' : '{';
      for (std::size_t i = 0; i < items_.size(); ++i) {
        if (i > 0) to += ',';
        if (kind_ == Kind::kObject) {
          append_json_string(names_[i], to);
          to += ':';
        }
        items_[i].write(to);
      }
      to += kind_ == Kind::kArray ? ']' : '}';
  }
}

namespace {

// The length of the character that begins at `at`; 0 when it is none (RFC 3629 section 4).
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  const auto follows = [&](std::size_t i, unsigned least = 0x80, unsigned most = 0xBF) {
    return byte(i) >= least && byte(i) <= most;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first == 0xE0) return follows(1, 0xA0) && follows(2) ? 3 : 0;
  if (first == 0xED) return follows(1, 0x80, 0x9F) && follows(2) ? 3 : 0;
  if (first >= 0xE1 && first <= 0xEF) return follows(1) && follows(2) ? 3 : 0;
  if (first == 0xF0) return follows(1, 0x90) && follows(2) && follows(3) ? 4 : 0;
  if (first >= 0xF1 && first <= 0xF3) return follows(1) && follows(2) && follows(3) ? 4 : 0;
  if (first == 0xF4) return follows(1, 0x80, 0x8F) && follows(2) && follows(3) ? 4 : 0;
  return 0;
}

void append_escaped(unsigned char c, std::string& to) {
  constexpr std::string_view kShort = "\"\\\b\f\n\r\t";
  constexpr std::string_view kLetters = "\"\\bfnrt";
  constexpr std::string_view kHex = "0123456789abcdef";
  const std::size_t at = kShort.find(static_cast<char>(c));
  to += '\\';
  if (at != std::string_view::npos) {
    to += kLetters[at];
  } else {
    to.append("u00") += kHex[c >> 4U];
    to += kHex[c & 15U];
  }
}

bool is_plain(char c) { return c >= 0x20 && c != '"' && c != '\\' && c != 0x7F; }

}  // namespace

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

void append_json_string(std::string_view text, std::string& to) {
  to += '"';
  std::size_t at = 0;
  while (at < text.size()) {
    const auto* const plain_end = std::find_if_not(text.begin() + at, text.end(), is_plain);
    const auto plain = static_cast<std::size_t>(plain_end - text.begin());
    to.append(text.substr(at, plain - at));
    at = plain;
    if (at == text.size()) break;
    const auto c = static_cast<unsigned char>(text[at]);
    const std::size_t length = utf8_length(text, at);
    if (c < 0x80) {
      append_escaped(c, to);
    } else {
      to.append(length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(at, length));
    }
    at += std::max<std::size_t>(length, 1);
  }
  to += '"';
}

void JsonWriter::separate() {
  if (needs_comma_) to_ += ',';
  needs_comma_ = true;
}

JsonWriter& JsonWriter::begin(char c) {
  separate();
  to_ += c;
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end(char c) {
  to_ += c;
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  append_json_string(name, to_);
  to_ += ':';
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::string(std::string_view text) {
  separate();
  append_json_string(text, to_);
  return *this;
}

JsonWriter& JsonWriter::number(std::uint64_t number) { return raw(std::to_string(number)); }

JsonWriter& JsonWriter::integer(std::int64_t number) { return raw(std::to_string(number)); }

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  to_ += json;
  return *this;
}

}  // namespace meridian::wire
