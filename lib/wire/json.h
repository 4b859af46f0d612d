#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace meridian::wire {

// What a JSON text may hold at most; beyond it is refused.
struct JsonLimits {
  std::size_t bytes = 1024 * 1024;
  std::size_t depth = 16;        // of arrays and objects within each other
  std::size_t values = 100'000;  // of any kind, all together
};

// One JSON value (RFC 8259), read strictly: a text that two readers could understand differently is refused.
// That is: invalid UTF-8, lone surrogates, a name that comes twice in one object, anything behind the value.
// A number stays the text that it was, so that nothing is rounded. Plain values; any thread.
class Json {
 public:
  enum class Kind : std::uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };
  // Members of one object, so that finding a repeated name stays cheap.
  static constexpr std::size_t kMostMembers = 256;

  // Errors name the byte, counted from 0.
  [[nodiscard]] static Result<Json> parse(std::string_view text, const JsonLimits& limits);
  [[nodiscard]] static Result<Json> parse(std::string_view text) { return parse(text, JsonLimits()); }

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool flag() const { return flag_; }
  // Of a string what it says, of a number how it is written.
  const std::string& text() const { return text_; }
  // A whole number without sign, fraction and exponent, at most `most`.
  std::optional<std::uint64_t> number(std::uint64_t most = UINT64_MAX) const;
  // Members of an array, or the values of an object.
  const std::vector<Json>& items() const { return items_; }
  // Of an object, in the same order.
  const std::vector<std::string>& names() const { return names_; }
  // Nullptr when this is no object or has none of that name.
  const Json* find(std::string_view name) const;

  // Appends it without white space. What was read is written so that it reads the same.
  void write(std::string& to) const;
  std::string to_text() const;

 private:
  friend class JsonReader;
  Kind kind_ = Kind::kNull;
  bool flag_ = false;
  std::string text_;
  std::vector<Json> items_;
  std::vector<std::string> names_;
};

// The name of a kind as an error says it: "a string".
std::string_view name_of(Json::Kind kind);

// Appends a string with its quotes; what is not valid UTF-8 becomes U+FFFD.
void append_json_string(std::string_view text, std::string& to);

// Whether a text is valid UTF-8: no overlong forms, no surrogates (RFC 3629).
bool is_utf8(std::string_view text);

// Writes one JSON value piece by piece into a string, with commas and colons in place. The caller keeps to
// the grammar: every begin has its end, and in an object a key stands before each value.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& to) : to_(to) {}
  JsonWriter& begin_object() { return begin('{'); }
  JsonWriter& end_object() { return end('}'); }
  JsonWriter& begin_array() { return begin('['); }
  JsonWriter& end_array() { return end(']'); }
  JsonWriter& key(std::string_view name);
  JsonWriter& string(std::string_view text);
  JsonWriter& number(std::uint64_t number);
  JsonWriter& integer(std::int64_t number);
  JsonWriter& flag(bool value) { return raw(value ? "true" : "false"); }
  JsonWriter& null() { return raw("null"); }
  // JSON that is already text.
  JsonWriter& raw(std::string_view json);

 private:
  JsonWriter& begin(char c);
  JsonWriter& end(char c);
  void separate();

  std::string& to_;
  bool needs_comma_ = false;
};

}  // namespace meridian::wire
