#include "bench/replay/flat_json.h"

#include <algorithm>
#include <charconv>

namespace meridian::replay {
namespace {

constexpr unsigned kReplacement = 0xFFFD;

void append_utf8(std::string& to, unsigned code) {
  const auto push = [&](unsigned byte) { to.push_back(static_cast<char>(byte)); };
  if (code < 0x80) return push(code);
  if (code < 0x800) return push(0xC0 | code >> 6U), push(0x80 | (code & 0x3FU));
  if (code < 0x10000) {
    return push(0xE0 | code >> 12U), push(0x80 | (code >> 6U & 0x3FU)), push(0x80 | (code & 0x3FU));
  }
  push(0xF0 | code >> 18U), push(0x80 | (code >> 12U & 0x3FU));
  push(0x80 | (code >> 6U & 0x3FU)), push(0x80 | (code & 0x3FU));
}

bool is_high(unsigned code) { return code >= 0xD800 && code < 0xDC00; }
bool is_low(unsigned code) { return code >= 0xDC00 && code < 0xE000; }

// A number as RFC 8259 section 6 writes it, or one of the three names.
bool is_plain_value(std::string_view text) {
  if (text == "true" || text == "false" || text == "null") return true;
  const auto digits = [&] {
    const std::size_t before = text.size();
    while (!text.empty() && text[0] >= '0' && text[0] <= '9') text.remove_prefix(1);
    return before - text.size();
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  const bool zero = text.starts_with('0');
  const std::size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  return text.empty();
}

}  // namespace

std::nullopt_t FlatJson::fail() {
  state_ = State::kBroken;
  return std::nullopt;
}

void FlatJson::skip_blanks() {
  const std::size_t first = rest_.find_first_not_of(" \t\r\n");
  rest_.remove_prefix(std::min(first, rest_.size()));
}

bool FlatJson::take(char c) {
  skip_blanks();
  if (!rest_.starts_with(c)) return false;
  rest_.remove_prefix(1);
  return true;
}

std::optional<FlatJson::Member> FlatJson::next() {
  if (state_ == State::kEnd || state_ == State::kBroken) return std::nullopt;
  const bool first = state_ == State::kBegin;
  if (first && !take('{')) return fail();
  state_ = State::kMembers;
  if (take('}')) {
    skip_blanks();
    if (!rest_.empty()) return fail();
    state_ = State::kEnd;
    return std::nullopt;
  }
  if (!first && !take(',')) return fail();
  Member member;
  if (!take('"') || !take_string(member.name) || !take(':')) return fail();
  member.is_string = take('"');
  if (!(member.is_string ? take_string(member.value) : take_plain(member.value))) return fail();
  return member;
}

bool FlatJson::take_string(std::string& to) {
  while (!rest_.empty()) {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c == '"') return true;
    if (static_cast<unsigned char>(c) < 0x20) return false;
    if (c != '\\') {
      to.push_back(c);
    } else if (!take_escape(to)) {
      return false;
    }
  }
  return false;
}

bool FlatJson::take_escape(std::string& to) {
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  if (rest_.empty()) return false;
  const char c = rest_.front();
  rest_.remove_prefix(1);
  if (const std::size_t at = kNames.find(c); at != std::string_view::npos) {
    to.push_back(kMeanings[at]);
    return true;
  }
  unsigned code = 0;
  if (c != 'u' || !take_hex(code)) return false;
  unsigned low = 0;
  if (is_high(code) && rest_.starts_with("\\u")) {
    const std::string_view before = rest_;
    rest_.remove_prefix(2);
    if (!take_hex(low)) return false;
    if (is_low(low)) {
      code = 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
    } else {
      rest_ = before;
    }
  }
  append_utf8(to, is_high(code) || is_low(code) ? kReplacement : code);
  return true;
}

bool FlatJson::take_hex(unsigned& code) {
  if (rest_.size() < 4) return false;
  const auto end = std::from_chars(rest_.data(), rest_.data() + 4, code, 16);
  if (end.ptr != rest_.data() + 4) return false;
  rest_.remove_prefix(4);
  return true;
}

bool FlatJson::take_plain(std::string& to) {
  skip_blanks();
  const std::size_t end = std::min(rest_.find_first_of(",} \t\r\n"), rest_.size());
  to.assign(rest_.substr(0, end));
  rest_.remove_prefix(end);
  return is_plain_value(to);
}

}  // namespace meridian::replay
