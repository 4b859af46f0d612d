#include <algorithm>

#include "lib/wire/json.h"

namespace meridian::wire {

// Reads one text from front to back. Lives for one call of Json::parse().
class JsonReader {
 public:
  JsonReader(std::string_view text, const JsonLimits& limits) : text_(text), limits_(limits) {}

  Result<Json> read() {
    Json value;
    const bool is_whole = text_.size() <= limits_.bytes ? read_value(value, 0) && at_end()
                                                        : too_large("more bytes than allowed");
    if (is_whole) return value;
    return fail(code_, ErrorSource::kClient,
                "JSON at byte " + std::to_string(at_) + ": " + std::string(problem_));
  }

 private:
  bool wrong(std::string_view problem) {
    problem_ = problem;
    return false;
  }
  bool too_large(std::string_view problem) {
    code_ = ErrorCode::kTooLarge;
    return wrong(problem);
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool at_end() {
    skip_space();
    return at_ == text_.size() || wrong("something behind the value");
  }

  bool read_value(Json& to, std::size_t depth) {
    if (++values_ > limits_.values) return too_large("more values than allowed");
    skip_space();
    switch (peek()) {
      case '{':
        return read_object(to, depth + 1);
      case '[':
        return read_array(to, depth + 1);
      case '"':
        to.kind_ = Json::Kind::kString;
        return read_string(to.text_);
      case 't':
        to.kind_ = Json::Kind::kBool;
        to.flag_ = true;
        return read_word("true");
      case 'f':
        to.kind_ = Json::Kind::kBool;
        return read_word("false");
      case 'n':
        return read_word("null");
      default:
        return read_number(to);
    }
  }

  bool read_word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return wrong("no value");
    at_ += word.size();
    return true;
  }

  std::size_t digits() {
    const std::size_t begin = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ - begin;
  }
  // RFC 8259 section 6.
  bool read_number(Json& to) {
    const std::size_t begin = at_;
    take('-');
    const bool is_zero = peek() == '0';
    const std::size_t whole = digits();
    if (whole == 0) return wrong("no value");
    if (is_zero && whole > 1) return wrong("a number with a leading zero");
    if (take('.') && digits() == 0) return wrong("a number that ends in its point");
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      if (digits() == 0) return wrong("a number without its exponent");
    }
    to.kind_ = Json::Kind::kNumber;
    to.text_ = text_.substr(begin, at_ - begin);
    return true;
  }

  bool read_array(Json& to, std::size_t depth) {
    if (depth > limits_.depth) return too_large("deeper than allowed");
    ++at_;
    to.kind_ = Json::Kind::kArray;
    skip_space();
    if (take(']')) return true;
    do {
      if (!read_value(to.items_.emplace_back(), depth)) return false;
      skip_space();
    } while (take(','));
    return take(']') || wrong("no comma and no end of the array");
  }

  bool read_object(Json& to, std::size_t depth) {
    if (depth > limits_.depth) return too_large("deeper than allowed");
    ++at_;
    to.kind_ = Json::Kind::kObject;
    skip_space();
    if (take('}')) return true;
    do {
      if (!read_member(to, depth)) return false;
      skip_space();
    } while (take(','));
    return take('}') || wrong("no comma and no end of the object");
  }
  bool read_member(Json& to, std::size_t depth) {
    if (to.names_.size() == Json::kMostMembers) return too_large("an object with more members than allowed");
    skip_space();
    std::string name;
    if (peek() != '"') return wrong("no name of a member");
    if (!read_string(name)) return false;
    if (to.find(name) != nullptr) return wrong("a name that was there already");
    skip_space();
    if (!take(':')) return wrong("no colon behind a name");
    to.names_.push_back(std::move(name));
    return read_value(to.items_.emplace_back(), depth);
  }

  bool read_string(std::string& to) {
    const std::size_t begin = ++at_;
    while (true) {
      const auto* const stop = std::find_if(text_.begin() + at_, text_.end(), [](char c) {
        return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
      });
      const auto end = static_cast<std::size_t>(stop - text_.begin());
      to.append(text_.substr(at_, end - at_));
      at_ = end;
      if (at_ == text_.size()) return wrong("a string without its end");
      if (take('"')) break;
      if (!take('\\')) return wrong("a control character in a string");
      if (!read_escape(to)) return false;
    }
    return is_utf8(text_.substr(begin, at_ - begin)) || wrong("a string that is not UTF-8");
  }

  bool read_escape(std::string& to) {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    if (take('u')) return read_code(to);
    const std::size_t letter = at_ < text_.size() ? kLetters.find(text_[at_]) : std::string_view::npos;
    if (letter == std::string_view::npos) return wrong("an escape that means nothing");
    to += kMeant[letter];
    ++at_;
    return true;
  }
  // Four hex digits, or two times four for a surrogate pair.
  bool read_code(std::string& to) {
    unsigned code = 0;
    if (!read_hex(code)) return false;
    if (code >= 0xDC00 && code <= 0xDFFF) return wrong("half of a surrogate pair");
    if (code >= 0xD800 && code <= 0xDBFF) {
      unsigned low = 0;
      if (!take('\\') || !take('u')) return wrong("half of a surrogate pair");
      if (!read_hex(low)) return false;
      if (low < 0xDC00 || low > 0xDFFF) return wrong("half of a surrogate pair");
      code = 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
    }
    append_utf8(code, to);
    return true;
  }
  bool read_hex(unsigned& code) {
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = peek();
      code <<= 4U;
      if (c >= '0' && c <= '9') {
        code += static_cast<unsigned>(c - '0');
      } else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
        code += static_cast<unsigned>((c | 0x20) - 'a') + 10;
      } else {
        return wrong("an escape without four hex digits");
      }
    }
    return true;
  }
  static void append_utf8(unsigned code, std::string& to) {
    const auto byte = [&to](unsigned bits) { to += static_cast<char>(bits); };
    const auto follow = [&byte](unsigned bits) { byte(0x80U | (bits & 0x3FU)); };
    if (code < 0x80) return byte(code);
    if (code < 0x800) {
      byte(0xC0U | (code >> 6U));
    } else {
      if (code < 0x10000) {
        byte(0xE0U | (code >> 12U));
      } else {
        byte(0xF0U | (code >> 18U));
        follow(code >> 12U);
      }
      follow(code >> 6U);
    }
    follow(code);
  }

  std::string_view text_;
  const JsonLimits& limits_;
  std::size_t at_ = 0;
  std::size_t values_ = 0;
  ErrorCode code_ = ErrorCode::kInvalid;
  std::string_view problem_;
};

Result<Json> Json::parse(std::string_view text, const JsonLimits& limits) {
  return JsonReader(text, limits).read();
}

}  // namespace meridian::wire
