#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/http/message.h"

// What belongs to one connection only, and what passes on to the far end (RFC 9110 section 7.6.1).
namespace meridian::http {

// Connection, Keep-Alive, Proxy-Connection, Proxy-Authenticate, Proxy-Authentication-Info,
// Proxy-Authorization, TE, Trailer, Transfer-Encoding, Upgrade.
bool is_hop_by_hop(FieldId id);

// The field names that a Connection field lists (RFC 9110 section 7.6.1). Names that Connection must not list
// are not removed on its word, as a client would use that to strip what others rely on: Host, Content-*,
// Cache-Control, Authorization, Cookie, Set-Cookie, the conditionals, Range, Age, Date, Expires, Vary, ETag,
// Last-Modified, X-Forwarded-*, Forwarded, Via.
class ConnectionOptions {
 public:
  explicit ConnectionOptions(const FieldList& fields);
  bool lists(const Field& field) const;
  bool close() const { return close_; }
  bool upgrade() const { return upgrade_; }

 private:
  std::vector<std::string_view> names_;  // empty, without memory, for most messages
  bool close_ = false;
  bool upgrade_ = false;
};

// Appends every end-to-end field of `from` but those in `without` and `without_names`.
void append_end_to_end(const FieldList& from, const FieldSet& without,
                       std::span<const std::string> without_names, std::string& block);

// Is the field's name among these?
bool is_named(const Field& field, std::span<const std::string> names);

// Appends every end-to-end field of `from` that `skip(field)` does not take out.
template <class Skip>
void append_passing(const FieldList& from, const Skip& skip, std::string& block) {
  const ConnectionOptions options(from);
  // Room for these and for what proxies add, so that the block grows once.
  constexpr std::size_t kAdded = 320;
  constexpr std::size_t kPunctuation = 4;
  std::size_t room = block.size() + kAdded;
  for (const Field& field : from) room += field.name.size() + field.value.size() + kPunctuation;
  block.reserve(room);
  for (const Field& field : from) {
    if (!is_hop_by_hop(field.id) && !options.lists(field) && !skip(field))
      append_field(block, field.name, field.value);
  }
}

}  // namespace meridian::http
