#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The message model: what a request and a response are, whatever HTTP version carried them (RFC 9110). No
// framing here: HTTP/1.1 and HTTP/2 stand below this model, everything else above it.
namespace meridian::http {

enum class FieldId : std::uint8_t {
#define FIELD(id, name) id,
#include "lib/http/field_names.def"
#undef FIELD
  kOther,
};

// Case-insensitive; kOther for a name that is not in field_names.def.
FieldId field_id(std::string_view name);
// The canonical spelling; "" for kOther.
std::string_view field_name(FieldId id);

struct Field {
  FieldId id = FieldId::kOther;
  std::string_view name;
  std::string_view value;  // without surrounding white space
};

// A set of the fields that are present, for quick questions on the hit path.
class FieldSet {
 public:
  constexpr FieldSet() = default;
  constexpr FieldSet(std::initializer_list<FieldId> ids) {
    for (FieldId id : ids) add(id);
  }
  constexpr void add(FieldId id) { bits_[index(id)] |= bit(id); }
  constexpr bool has(FieldId id) const { return (bits_[index(id)] & bit(id)) != 0; }
  constexpr bool intersects(const FieldSet& other) const {
    return ((bits_[0] & other.bits_[0]) | (bits_[1] & other.bits_[1])) != 0;
  }
  constexpr void clear() { bits_[0] = bits_[1] = 0; }
  constexpr void add(const FieldSet& other) { bits_[0] |= other.bits_[0], bits_[1] |= other.bits_[1]; }

 private:
  static constexpr std::size_t index(FieldId id) { return static_cast<std::size_t>(id) >> 6; }
  static constexpr std::uint64_t bit(FieldId id) {
    return std::uint64_t{1} << (static_cast<unsigned>(id) & 63U);
  }
  std::uint64_t bits_[2] = {0, 0};
};

// Header or trailer fields in order. Views into bytes that somebody else holds; see each use for who.
class FieldList {
 public:
  void add(FieldId id, std::string_view name, std::string_view value) {
    fields_.push_back({id, name, value});
    present_.add(id);
  }
  void add(std::string_view name, std::string_view value) { add(field_id(name), name, value); }
  void add(FieldId id, std::string_view value) { add(id, field_name(id), value); }
  void clear() { fields_.clear(), present_.clear(); }
  // Removes every field of this name.
  void remove(FieldId id);
  void remove(std::string_view name);
  template <class Keep>
  void keep_if(Keep keep) {
    std::erase_if(fields_, [&](const Field& field) { return !keep(field); });
    present_.clear();
    for (const Field& field : fields_) present_.add(field.id);
  }

  bool has(FieldId id) const { return present_.has(id); }
  const FieldSet& present() const { return present_; }
  // The first of that name; nullptr when absent.
  const Field* find(FieldId id) const;
  const Field* find(std::string_view name) const;
  std::string_view value(FieldId id) const {
    const Field* f = has(id) ? find(id) : nullptr;
    return f == nullptr ? std::string_view() : f->value;
  }
  std::size_t count(FieldId id) const;
  // All values of one name joined by ", " (RFC 9110 section 5.3); the view is of `scratch` unless there is
  // just one.
  std::string_view combined(FieldId id, std::string& scratch) const;
  std::string_view combined(std::string_view name, std::string& scratch) const;

  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  std::size_t size() const { return fields_.size(); }
  bool empty() const { return fields_.empty(); }
  Field& at(std::size_t i) { return fields_[i]; }

 private:
  std::vector<Field> fields_;
  FieldSet present_;
};

enum class Method : std::uint8_t {
  kGet,
  kHead,
  kPost,
  kPut,
  kDelete,
  kConnect,
  kOptions,
  kTrace,
  kPatch,
  kPurge,
  kOther
};
Method method_of(std::string_view name);  // case-sensitive (RFC 9110 section 9.1)
bool is_safe(Method method);              // RFC 9110 section 9.2.1; kOther is not
bool is_idempotent(Method method);        // RFC 9110 section 9.2.2

enum class Version : std::uint8_t { kHttp10, kHttp11, kHttp2 };
std::string_view version_name(Version version);  // "HTTP/1.1"

struct RequestHead {
  Method method = Method::kGet;
  Version version = Version::kHttp11;
  std::string_view method_name;
  std::string_view scheme;     // "http" or "https": of the target if absolute, else of the connection
  std::string_view authority;  // of the target if absolute, else Host; "" for HTTP/1.0 without Host
  std::string_view path;       // path and query as received, beginning with '/'; or "*"
  FieldList fields;
};

struct ResponseHead {
  int status = 0;
  Version version = Version::kHttp11;
  std::string_view reason;
  FieldList fields;
};

// A head that holds its own bytes: made from a head whose bytes will go away.
class OwnedRequest {
 public:
  explicit OwnedRequest(const RequestHead& head);
  OwnedRequest(const OwnedRequest&) = delete;
  OwnedRequest& operator=(const OwnedRequest&) = delete;
  const RequestHead& head() const { return head_; }
  RequestHead& head() { return head_; }

 private:
  std::string bytes_;
  RequestHead head_;
};

class OwnedResponse {
 public:
  explicit OwnedResponse(const ResponseHead& head);
  OwnedResponse(const OwnedResponse&) = delete;
  OwnedResponse& operator=(const OwnedResponse&) = delete;
  const ResponseHead& head() const { return head_; }
  ResponseHead& head() { return head_; }

 private:
  std::string bytes_;
  ResponseHead head_;
};

// A block of field lines, "Name: value\r\n" for each: how heads are stored and handed to the wire layer.
// HTTP/1.1 writes it as it is; another version reads it line by line. Values in a block were checked when
// they were parsed.
void append_field(std::string& block, std::string_view name, std::string_view value);
// Views into `block`.
void parse_block(std::string_view block, FieldList& to);

std::string_view reason_phrase(int status);

bool equals_ignoring_case(std::string_view a, std::string_view b);
std::string_view trim(std::string_view text);  // OWS: spaces and tabs
// Calls for each member of a comma-separated list, trimmed, quoted strings kept whole, empty members skipped.
// fn(std::string_view) -> bool: false stops.
template <class Fn>
void for_each_member(std::string_view list, Fn&& fn) {
  std::size_t start = 0;
  bool quoted = false;
  for (std::size_t i = 0; i <= list.size(); ++i) {
    if (i < list.size()) {
      if (quoted) {
        if (list[i] == '\\')
          ++i;
        else if (list[i] == '"')
          quoted = false;
        continue;
      }
      if (list[i] == '"') quoted = true;
      if (list[i] != ',') continue;
    }
    std::string_view member = trim(list.substr(start, i < list.size() ? i - start : std::string_view::npos));
    start = i + 1;
    if (!member.empty() && !fn(member)) return;
  }
}
bool list_has(std::string_view list, std::string_view token);  // case-insensitive

}  // namespace meridian::http
