#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meridian::wire {

// RFC 9110 section 5.6.2.
bool is_token(std::string_view text);

// Takes "name=value" pairs, separated by semicolons and optional white space, off the front of a text: the
// parameters of RFC 9110 section 5.6.6, where a value is a token or a quoted string. Strict: what breaks the
// grammar ends it as broken. Views point into the text, except for a quoted value that holds escapes.
class ParameterReader {
 public:
  explicit ParameterReader(std::string_view text) : rest_(text) {}
  // False at the end, or when it is broken.
  bool next();
  bool is_broken() const { return is_broken_; }
  std::string_view name() const { return name_; }
  // Valid until the next call of next().
  std::string_view value() const { return value_; }

 private:
  bool fail() {
    is_broken_ = true;
    return false;
  }
  bool take_quoted();

  std::string_view rest_;
  std::string_view name_;
  std::string_view value_;
  std::string unescaped_;
  bool is_first_ = true;
  bool is_broken_ = false;
};

// Appends one pair, the value quoted where it has to be. A value with control characters cannot be said:
// false, and nothing is appended.
bool append_parameter(std::string_view name, std::string_view value, std::string& to);

// Digits only, without a leading zero, at most `most`.
std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t most = UINT64_MAX);

}  // namespace meridian::wire
