#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/http/field_writer.h"
#include "lib/http/message.h"

// What belongs to one connection only, and what passes on to the far end (RFC 9110 section 7.6.1).
namespace meridian::http {

// Connection, Keep-Alive, Proxy-Connection, Proxy-Authenticate, Proxy-Authentication-Info,
// Proxy-Authorization, TE, Trailer, Transfer-Encoding, Upgrade.
inline constexpr FieldSet kHopByHop = {
    FieldId::kConnection,
    FieldId::kKeepAlive,
    FieldId::kProxyConnection,
    FieldId::kProxyAuthenticate,
    FieldId::kProxyAuthenticationInfo,
    FieldId::kProxyAuthorization,
    FieldId::kTe,
    FieldId::kTrailer,
    FieldId::kTransferEncoding,
    FieldId::kUpgrade,
};
inline bool is_hop_by_hop(FieldId id) { return kHopByHop.has(id); }

// The field names that a Connection field lists (RFC 9110 section 7.6.1). Names that Connection must not list
// are not removed on its word, as a client would use that to strip what others rely on: Host, Content-*,
// Cache-Control, Authorization, Cookie, Set-Cookie, the conditionals, Range, Age, Date, Expires, Vary, ETag,
// Last-Modified, X-Forwarded-*, Forwarded, Via.
class ConnectionOptions {
 public:
  explicit ConnectionOptions(const FieldList& fields);
  bool lists(const Field& field) const { return !names_.empty() && finds(field); }
  bool close() const { return close_; }
  bool upgrade() const { return upgrade_; }

 private:
  bool finds(const Field& field) const;

  std::vector<std::string_view> names_;  // empty, without memory, for most messages
  bool close_ = false;
  bool upgrade_ = false;
};

// Appends every end-to-end field of `from` but those in `without` and `without_names`.
void append_end_to_end(const FieldList& from, const FieldSet& without,
                       std::span<const std::string> without_names, std::string& block);

// Is the field's name among these?
bool is_named(const Field& field, std::span<const std::string> names);

// Writes every end-to-end field of `from` that `skip(field)` does not take out.
template <class Skip>
void write_passing(const FieldList& from, const Skip& skip, FieldWriter& to) {
  const ConnectionOptions options(from);
  for (const Field& field : from) {
    if (!is_hop_by_hop(field.id) && !options.lists(field) && !skip(field)) to.field(field.name, field.value);
  }
}

// The bytes of all its lines.
inline std::size_t bytes_of_lines(const FieldList& fields) {
  constexpr std::size_t kPunctuation = 4;
  std::size_t total = 0;
  for (const Field& field : fields) total += field.name.size() + field.value.size() + kPunctuation;
  return total;
}

}  // namespace meridian::http
