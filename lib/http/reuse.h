#pragma once

#include <cstdint>
#include <string_view>

#include "lib/http/cache_control.h"
#include "lib/http/message.h"
#include "lib/http/stored.h"

// May a stored response answer this request now (RFC 9111 sections 4.2.4 and 5.2.1, RFC 5861).
namespace meridian::http {

enum class MissReason : std::uint8_t {
#define MISS(id, token, fwd, explanation) id,
#include "lib/http/miss_reason.def"
#undef MISS
};
std::string_view token_of(MissReason reason);
std::string_view fwd_of(MissReason reason);  // RFC 9211 section 2.2
std::string_view explanation_of(MissReason reason);

struct ReusePolicy {
  bool honour_request = true;  // the client's no-cache, max-age, min-fresh, max-stale, only-if-cached
  // Serving stale when the origin fails, where no directive speaks of it (RFC 9111 section 4.2.4); 0: not at
  // all.
  std::int64_t stale_if_error_s = 0;
  std::int64_t stale_while_revalidate_s = 0;  // the same for stale-while-revalidate
};

struct Reuse {
  enum class Verdict : std::uint8_t {
    kFresh,
    kStaleAllowed,          // stale, and the client's max-stale takes it
    kStaleWhileRevalidate,  // stale: serve it and validate behind it
    kValidate,              // ask the origin first
    kOnlyIfCached,          // the request forbids asking: 504 (RFC 9111 section 5.2.1.7)
  } verdict = Verdict::kFresh;
  bool stale_if_error = false;  // for kValidate: if the origin fails, the stored response may be served
  MissReason reason = MissReason::kNone;
  std::int64_t age_s = 0;
  std::int64_t ttl_s = 0;  // negative once stale

  bool serve() const { return verdict <= Verdict::kStaleWhileRevalidate; }
};

Reuse decide_reuse_with_directives(const StoredTimes& stored, const CacheControl& request, std::int64_t now_s,
                                   const ReusePolicy& policy);
Reuse decide_reuse_slow(const StoredTimes& stored, const FieldList& request, std::int64_t now_s,
                        const ReusePolicy& policy);

// The hit path: a fresh response and a request without Cache-Control or Pragma cost a few compares.
inline Reuse decide_reuse(const StoredTimes& stored, const FieldList& request, std::int64_t now_s,
                          const ReusePolicy& policy) {
  const std::int64_t age = stored.age_at(now_s);
  if (age < std::int64_t{stored.lifetime_s} && !stored.has(kStoredNoCache) &&
      !request.present().intersects(kRequestDirectiveFields)) {
    return {Reuse::Verdict::kFresh, false, MissReason::kNone, age, std::int64_t{stored.lifetime_s} - age};
  }
  return decide_reuse_slow(stored, request, now_s, policy);
}

// The statuses that RFC 5861 section 4 calls an error: 500, 502, 503, 504.
bool is_stale_if_error_status(int status);

// With nothing stored: must the request be answered 504 (only-if-cached)?
bool wants_only_if_cached(const FieldList& request, const ReusePolicy& policy);

}  // namespace meridian::http
