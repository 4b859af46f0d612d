#include "lib/http/reuse.h"

#include <algorithm>
#include <iterator>

namespace meridian::http {
namespace {

struct MissText {
  std::string_view token, fwd, explanation;
};
constexpr MissText kMissTexts[] = {
#define MISS(id, token, fwd, explanation) {token, fwd, explanation},
#include "lib/http/miss_reason.def"
#undef MISS
};

const MissText& text_of(MissReason reason) { return kMissTexts[static_cast<std::size_t>(reason)]; }

// must-revalidate and no-cache forbid serving stale whatever else is said (RFC 9111 section 4.2.4).
bool never_stale(const StoredTimes& stored) {
  return stored.has(kStoredMustRevalidate) || stored.has(kStoredNoCache);
}

// How long after expiry it may be served while it is validated. s-maxage implies proxy-revalidate, but an
// origin that gives stale-while-revalidate beside it has made the exception itself.
std::int64_t revalidate_window_s(const StoredTimes& stored, const ReusePolicy& policy) {
  if (never_stale(stored)) return 0;
  if (stored.has(kStoredStaleRevalidateSaid)) return stored.stale_revalidate_s;
  return stored.has(kStoredSMaxage) ? 0 : policy.stale_while_revalidate_s;
}

// The same for an origin that fails (RFC 5861 section 4). What origin or client say goes before our policy.
std::int64_t error_window_s(const StoredTimes& stored, const CacheControl& request,
                            const ReusePolicy& policy) {
  if (never_stale(stored)) return 0;
  const bool said = stored.has(kStoredStaleErrorSaid);
  if (stored.has(kStoredSMaxage)) return said ? stored.stale_error_s : 0;
  const bool asked = policy.honour_request && request.stale_if_error_s.has_value();
  if (!said && !asked) return policy.stale_if_error_s;
  return std::max(said ? std::int64_t{stored.stale_error_s} : 0, asked ? *request.stale_if_error_s : 0);
}

// Does the client want something younger or fresher than what is stored (RFC 9111 section 5.2.1)? max-age=0
// always asks the origin: with ages in whole seconds a response could not be young enough otherwise.
bool client_refuses(const CacheControl& request, std::int64_t age_s, std::int64_t ttl_s) {
  if (request.no_cache) return true;
  if (request.max_age_s && (*request.max_age_s == 0 || age_s > *request.max_age_s)) return true;
  return request.min_fresh_s && ttl_s < *request.min_fresh_s;
}

bool client_takes_stale(const StoredTimes& stored, const CacheControl& request, std::int64_t staleness_s) {
  if (never_stale(stored) || stored.has(kStoredSMaxage)) return false;
  return request.max_stale_any || (request.max_stale_s && staleness_s <= *request.max_stale_s);
}

// A stale response: who allows to serve it?
void judge_stale(const StoredTimes& stored, const CacheControl& request, const ReusePolicy& policy,
                 Reuse& reuse) {
  const std::int64_t staleness_s = -reuse.ttl_s;
  if (policy.honour_request && client_takes_stale(stored, request, staleness_s)) {
    reuse.verdict = Reuse::Verdict::kStaleAllowed;
    return;
  }
  const bool wants_fresh = policy.honour_request && request.max_age_s.has_value();
  const std::int64_t window_s = revalidate_window_s(stored, policy);
  if (!wants_fresh && window_s > 0 && staleness_s <= window_s) {
    reuse.verdict = Reuse::Verdict::kStaleWhileRevalidate;
    return;
  }
  reuse.verdict = Reuse::Verdict::kValidate;
  reuse.reason = MissReason::kStale;
}

Reuse judge(const StoredTimes& stored, const CacheControl& request, std::int64_t now_s,
            const ReusePolicy& policy) {
  Reuse reuse;
  reuse.age_s = stored.age_at(now_s);
  reuse.ttl_s = std::int64_t{stored.lifetime_s} - reuse.age_s;
  const auto validate = [&](MissReason reason) {
    reuse.verdict = Reuse::Verdict::kValidate;
    reuse.reason = reason;
  };
  if (policy.honour_request && client_refuses(request, reuse.age_s, reuse.ttl_s)) {
    validate(MissReason::kRequest);
  } else if (stored.has(kStoredNoCache)) {
    validate(MissReason::kNoCache);
  } else if (reuse.ttl_s <= 0) {
    judge_stale(stored, request, policy, reuse);
  }
  return reuse;
}

}  // namespace

std::string_view token_of(MissReason reason) { return text_of(reason).token; }
std::string_view fwd_of(MissReason reason) { return text_of(reason).fwd; }
std::string_view explanation_of(MissReason reason) { return text_of(reason).explanation; }

Reuse decide_reuse_with_directives(const StoredTimes& stored, const CacheControl& request, std::int64_t now_s,
                                   const ReusePolicy& policy) {
  Reuse reuse = judge(stored, request, now_s, policy);
  if (reuse.verdict != Reuse::Verdict::kValidate) return reuse;
  const std::int64_t window_s = error_window_s(stored, request, policy);
  const bool fresh = reuse.ttl_s > 0 && !stored.has(kStoredNoCache);
  reuse.stale_if_error = fresh || (window_s > 0 && -reuse.ttl_s <= window_s);
  if (policy.honour_request && request.only_if_cached) reuse.verdict = Reuse::Verdict::kOnlyIfCached;
  return reuse;
}

Reuse decide_reuse_slow(const StoredTimes& stored, const FieldList& request, std::int64_t now_s,
                        const ReusePolicy& policy) {
  if (!request.present().intersects(kRequestDirectiveFields)) {
    return decide_reuse_with_directives(stored, CacheControl(), now_s, policy);
  }
  return decide_reuse_with_directives(stored, request_directives(request), now_s, policy);
}

bool is_stale_if_error_status(int status) { return status == 500 || (status >= 502 && status <= 504); }

bool wants_only_if_cached(const FieldList& request, const ReusePolicy& policy) {
  return policy.honour_request && request.has(FieldId::kCacheControl) &&
         request_directives(request).only_if_cached;
}

}  // namespace meridian::http
