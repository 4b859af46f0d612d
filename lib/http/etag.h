#pragma once

#include <optional>
#include <string_view>

// Entity tags (RFC 9110 section 8.8.3).
namespace meridian::http {

struct EntityTag {
  bool weak = false;
  std::string_view opaque;  // without the quotes
};

// W/"..." or "..." with nothing around it; nullopt otherwise.
std::optional<EntityTag> parse_etag(std::string_view text);

// Section 8.8.3.2.
inline bool strong_match(const EntityTag& a, const EntityTag& b) {
  return !a.weak && !b.weak && a.opaque == b.opaque;
}
inline bool weak_match(const EntityTag& a, const EntityTag& b) { return a.opaque == b.opaque; }

enum class EtagComparison : unsigned char { kStrong, kWeak };

// Does the list of an If-Match or If-None-Match hold `etag`? An `etag` that is no entity tag (an origin that
// forgot the quotes) matches only a member that is the same, byte by byte, and counts as weak. Malformed
// members are skipped one by one. "*" is not handled here.
bool etag_list_has(std::string_view list, std::string_view etag, EtagComparison comparison);

}  // namespace meridian::http
