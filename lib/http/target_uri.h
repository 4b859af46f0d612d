#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/http/message.h"

// The cache key: a request's target URI in one normal form (RFC 3986 section 6.2, RFC 9110 section 4.2.3), so
// that no two different resources share one and no spelling splits one.
//
// The key is "scheme://host[:port]path[?query]". Host in lower case, its trailing dot and a default port
// dropped. In the path: percent-encodings of unreserved characters decoded, all others in upper hex,
// characters that a path may not hold raw encoded, dot segments removed; %2F stays, // stays, ";" stays.
// Refused: %00, a "%" without two hex digits, control characters, a fragment, a host that is none. The query
// is normalised in the same way, parameter by parameter, and a parameter with a bad "%" is left exactly as it
// is (old applications send such ones); "?" with nothing behind it is not the same as none.
//
// What the origin sees: the path and query of the key, not those received, wherever the cache may use the
// response. Else two spellings with one key could fetch two different answers, and one client would choose
// what all others get. Requests that do not touch the cache (unsafe methods, sites or paths that bypass it)
// keep the received spelling.
namespace meridian::http {

struct UriPolicy {
  bool sort_query = false;  // by name; parameters of one name keep their order
  bool drop_query = false;
  // Parameter names that neither key nor origin sees; "*" stands for any characters: "utm_*", "fbclid".
  std::vector<std::string> drop_parameters;
};

enum class UriError : std::uint8_t { kNone, kScheme, kHost, kPercent, kNul, kControl, kFragment, kNotAPath };
std::string_view token_of(UriError error);

// A key and where its parts begin; the string's memory is used again by the next call.
struct TargetKey {
  std::string text;
  std::uint32_t host_begin = 0;  // behind "://"
  std::uint32_t path_begin = 0;

  std::string_view scheme() const { return std::string_view(text).substr(0, host_begin - 3); }
  std::string_view authority() const {
    return std::string_view(text).substr(host_begin, path_begin - host_begin);
  }
  std::string_view path() const { return std::string_view(text).substr(path_begin); }  // with the query
};

// `path`: path and query as received, beginning with "/". Fills `key`; on error its content means nothing. A
// target that is normal already costs one scan and a copy.
UriError make_key(std::string_view scheme, std::string_view authority, std::string_view path,
                  const UriPolicy& policy, TargetKey& key);
inline UriError make_key(const RequestHead& request, const UriPolicy& policy, TargetKey& key) {
  return make_key(request.scheme, request.authority, request.path, policy, key);
}

// The host of an authority without port and trailing dot, in lower case, into `host`; false when it is none.
// For choosing the site.
bool host_of(std::string_view authority, std::string& host);

// An http(s) URI reference resolved against a request's target (RFC 3986 section 5.2): for Location and
// Content-Location. False when it is no http(s) URI or malformed.
struct ResolvedUri {
  std::string scheme;
  std::string authority;
  std::string path;  // with the query, without the fragment
};
bool resolve(const RequestHead& base, std::string_view reference, ResolvedUri& to);

}  // namespace meridian::http
