#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Structured field values (RFC 8941): parser and serialiser, strict: a field that breaks the grammar anywhere
// is no field at all. For multi-line fields give the lines joined by ", ".
namespace meridian::http::sf {

// RFC 8941 asks for at least this many members and parameters; more is refused, so that a check for duplicate
// keys cannot be made to cost much.
inline constexpr std::size_t kMaxMembers = 1024;
inline constexpr std::size_t kMaxInnerItems = 256;
inline constexpr std::size_t kMaxParameters = 256;

inline constexpr std::int64_t kMaxInteger = 999'999'999'999'999;

// Section 3.3. A decimal is kept exactly, in thousandths, as it has at most three fractional digits.
class BareItem {
 public:
  enum class Type : std::uint8_t { kInteger, kDecimal, kString, kToken, kBytes, kBoolean };

  static BareItem integer(std::int64_t value) { return BareItem(Type::kInteger, value, {}); }
  static BareItem decimal_thousandths(std::int64_t value) { return BareItem(Type::kDecimal, value, {}); }
  static BareItem string(std::string value) { return BareItem(Type::kString, 0, std::move(value)); }
  static BareItem token(std::string value) { return BareItem(Type::kToken, 0, std::move(value)); }
  static BareItem bytes(std::string value) { return BareItem(Type::kBytes, 0, std::move(value)); }
  static BareItem boolean(bool value) { return BareItem(Type::kBoolean, value ? 1 : 0, {}); }
  BareItem() : BareItem(Type::kBoolean, 1, {}) {}

  Type type() const { return type_; }
  bool is(Type type) const { return type_ == type; }
  // Meaningful for kInteger (the value), kDecimal (thousandths) and kBoolean (0 or 1).
  std::int64_t number() const { return number_; }
  // Meaningful for kString, kToken and kBytes (decoded).
  const std::string& text() const { return text_; }
  bool is_true() const { return type_ == Type::kBoolean && number_ == 1; }

  bool operator==(const BareItem&) const = default;

 private:
  BareItem(Type type, std::int64_t number, std::string text)
      : type_(type), number_(number), text_(std::move(text)) {}
  Type type_;
  std::int64_t number_;
  std::string text_;
};

struct Parameter {
  std::string key;
  BareItem value;
  bool operator==(const Parameter&) const = default;
};
using Parameters = std::vector<Parameter>;

// The value of a parameter; nullptr when absent.
const BareItem* find(const Parameters& parameters, std::string_view key);

struct Item {
  BareItem value;
  Parameters parameters;
  bool operator==(const Item&) const = default;
};

// A member of a list or dictionary: an item, or an inner list of items (section 3.1.1).
struct Member {
  bool is_inner_list = false;
  BareItem value;           // when not an inner list
  std::vector<Item> items;  // when an inner list
  Parameters parameters;
  bool operator==(const Member&) const = default;
};
using List = std::vector<Member>;

struct Entry {
  std::string key;
  Member member;
  bool operator==(const Entry&) const = default;
};
// In order of first appearance; keys are unique, the last value of a repeated key holds (section 3.2).
using Dictionary = std::vector<Entry>;
const Member* find(const Dictionary& dictionary, std::string_view key);

// Section 4.2. nullopt: the field must be ignored as a whole. An empty list or dictionary is valid.
std::optional<Item> parse_item(std::string_view text);
std::optional<List> parse_list(std::string_view text);
std::optional<Dictionary> parse_dictionary(std::string_view text);

// Section 4.1. nullopt: the value has no serialisation (bad key, token or string characters, number out of
// range).
std::optional<std::string> serialize(const BareItem& value);
std::optional<std::string> serialize(const Item& item);
std::optional<std::string> serialize(const List& list);
std::optional<std::string> serialize(const Dictionary& dictionary);

}  // namespace meridian::http::sf
