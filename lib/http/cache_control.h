#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/http/message.h"

// Cache directives (RFC 9111 section 5.2, RFC 5861, RFC 8246) and targeted fields (RFC 9213).
namespace meridian::http {

// Greatest number of seconds that is told apart (RFC 9111 section 1.2.2); larger ones saturate here.
inline constexpr std::int64_t kMaxDeltaSeconds = std::int64_t{1} << 31;

// delta-seconds: digits only, saturating; nullopt for anything else.
std::optional<std::int64_t> parse_delta_seconds(std::string_view text);

// Directives of a request or response. Unknown ones are skipped. Of a repeated directive with seconds the
// first counts (RFC 9111 section 4.2.1); seconds that are no number count as 0 in a response (stale,
// section 4.2.1).
struct CacheControl {
  bool no_store = false;
  bool no_cache = false;    // without field names, or with names that are none
  bool is_private = false;  // the same
  bool is_public = false;
  bool must_revalidate = false;
  bool proxy_revalidate = false;
  bool must_understand = false;
  bool no_transform = false;
  bool immutable = false;
  bool only_if_cached = false;  // request
  bool max_stale_any = false;   // request: max-stale without a value
  std::optional<std::int64_t> max_age_s;
  std::optional<std::int64_t> s_maxage_s;
  std::optional<std::int64_t> stale_while_revalidate_s;
  std::optional<std::int64_t> stale_if_error_s;  // request or response
  std::optional<std::int64_t> max_stale_s;       // request
  std::optional<std::int64_t> min_fresh_s;       // request
  std::vector<std::string> no_cache_fields;      // names of no-cache="a, b"
  std::vector<std::string> private_fields;       // names of private="a, b"

  bool explicit_lifetime() const { return max_age_s.has_value() || s_maxage_s.has_value(); }
};

// Adds what one field line says.
void parse_cache_control(std::string_view value, CacheControl& to);

// Where a response's directives came from.
enum class DirectiveSource : std::uint8_t { kNone, kCacheControl, kCdnCacheControl, kMeridianCacheControl };

struct ResponseDirectives {
  CacheControl cache_control;
  DirectiveSource source = DirectiveSource::kNone;
  // A targeted field decides: Cache-Control and Expires count for nothing (RFC 9213 section 2.2).
  bool targeted() const { return source >= DirectiveSource::kCdnCacheControl; }
};

// Meridian-Cache-Control if it is valid and not empty, else CDN-Cache-Control if so, else Cache-Control.
ResponseDirectives response_directives(const FieldList& fields);

// A targeted field's value (all lines joined) as directives; nullopt when it must be ignored: no dictionary,
// empty, or a known directive of the wrong type.
std::optional<CacheControl> parse_targeted(std::string_view value);

// Cache-Control of a request, and Pragma: no-cache when there is none (RFC 9111 section 5.4).
CacheControl request_directives(const FieldList& fields);

// Fields whose presence in a request makes request_directives() say something.
inline constexpr FieldSet kRequestDirectiveFields = {FieldId::kCacheControl, FieldId::kPragma};

}  // namespace meridian::http
