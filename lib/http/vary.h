#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/http/message.h"

// Vary and the secondary key (RFC 9111 section 4.1).
namespace meridian::http {

struct VaryPolicy {
  std::size_t names_max = 8;
  // Accept-Encoding is reduced to these, in this order, and only to whether each is acceptable: the origin's
  // choice depends on no more. Empty: it is not reduced.
  std::vector<std::string> encodings = {"zstd", "br", "gzip"};
  // Sorts the members of Accept-Language that weigh the same. Off: some origins take the first one.
  bool sort_languages = false;
};

enum class VaryKind : std::uint8_t {
  kNone,     // one response for all
  kNames,    // depends on the named fields
  kStar,     // matches nothing
  kTooMany,  // more names than the limit, or a name that is no token
};
// Fills `names` with the canonical list: lower case, sorted, each once, joined by ",".
VaryKind parse_vary(const FieldList& response, const VaryPolicy& policy, std::string& names);

// Appends the variant of this request to a primary key: for each name of the canonical list, its normalised
// value. An absent field differs from an empty one. Primary keys have no line feed, so that the two cannot
// run into each other. Normalised: lines joined; white space around commas dropped in fields that are lists,
// or unknown and made of nothing but tokens and quoted strings; Accept-Encoding and Accept-Language by
// policy.
void append_variant(std::string_view names, const FieldList& request, const VaryPolicy& policy,
                    std::string& key);

// The reduced form of an Accept-Encoding that is present, such as "br,gzip" or "identity": also what the
// origin should be sent, so that it cannot choose by what the key does not hold.
void append_reduced_encoding(std::string_view accept_encoding, const VaryPolicy& policy, std::string& to);

}  // namespace meridian::http
