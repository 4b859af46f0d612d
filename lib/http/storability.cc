#include "lib/http/storability.h"

#include <algorithm>

#include "lib/http/range.h"
#include "lib/http/vary.h"

namespace meridian::http {
namespace {

struct ReasonText {
  std::string_view token, explanation;
};
constexpr ReasonText kReasonTexts[] = {
#define NOT_STORED(id, token, explanation) {token, explanation},
#include "lib/http/not_stored.def"
#undef NOT_STORED
};

// What is known while a decision is made.
struct Case {
  const StoreInput& input;
  const StorePolicy& policy;
  ResponseDirectives directives;
  Freshness fresh;

  const CacheControl& control() const { return directives.cache_control; }
  const FieldList& fields() const { return input.response.fields; }
  int status() const { return input.response.status; }
};

NotStored judge_request(const Case& c) {
  const RequestHead& request = c.input.request;
  const bool updates = c.input.is_update && request.method == Method::kHead;
  if (request.method != Method::kGet && !updates) return NotStored::kMethod;
  if (c.input.request_has_body) return NotStored::kRequestBody;
  if (c.policy.honour_request_no_store && request.fields.has(FieldId::kCacheControl) &&
      request_directives(request.fields).no_store) {
    return NotStored::kRequestNoStore;
  }
  return NotStored::kNone;
}

// Sections 3, 3.5 and 5.2.2.
NotStored judge_directives(const Case& c) {
  const CacheControl& control = c.control();
  if (control.must_understand && !status_understood(c.status())) return NotStored::kStatusUnknown;
  if (control.no_store && !control.must_understand) return NotStored::kNoStore;
  if (control.is_private) return NotStored::kPrivate;
  const bool for_all = control.is_public || control.must_revalidate || control.s_maxage_s.has_value();
  if (c.input.request.fields.has(FieldId::kAuthorization) && !for_all) return NotStored::kAuthorization;
  return NotStored::kNone;
}

NotStored judge_vary(const Case& c) {
  if (!c.fields().has(FieldId::kVary)) return NotStored::kNone;
  VaryPolicy policy;
  policy.names_max = c.policy.vary_names_max;
  std::string names;
  switch (parse_vary(c.fields(), policy, names)) {
    case VaryKind::kStar:
      return NotStored::kVaryStar;
    case VaryKind::kTooMany:
      return NotStored::kVaryTooMany;
    default:
      return NotStored::kNone;
  }
}

// Answers to how or how often this client asked: of no use to others, and some RFCs forbid storing them
// outright.
bool speaks_of_this_request(int status) {
  switch (status) {
    case 407:
    case 408:
    case 412:
    case 413:
    case 416:
    case 417:
    case 421:
    case 425:
    case 426:
    case 428:  // RFC 6585 section 3
    case 429:  // RFC 6585 section 4
    case 431:  // RFC 6585 section 5
    case 511:  // RFC 6585 section 6
      return true;
    default:
      return false;
  }
}

NotStored judge_status(const Case& c) {
  const int status = c.status();
  if (status < 200 || status == 304) return NotStored::kInterim;
  if (status == 206) {
    const bool asked_for = c.input.is_update || c.input.request.fields.has(FieldId::kRange);
    if (!c.policy.store_partial || !asked_for) return NotStored::kPartial;
    const std::optional<ContentRange> range = parse_content_range(c.fields().value(FieldId::kContentRange));
    if (!range || !range->has_range || c.fields().count(FieldId::kContentRange) != 1)
      return NotStored::kContentRange;
  }
  if (speaks_of_this_request(status)) return NotStored::kRequestRefused;
  if (status == 400 && !c.fresh.is_explicit()) return NotStored::kRequestRefused;
  if (status >= 400 && !is_plain_request(c.input.request, c.policy)) return NotStored::kSuspectRequest;
  return NotStored::kNone;
}

NotStored judge_lifetime(const Case& c) {
  const bool has_lifetime = c.fresh.source != LifetimeSource::kNone;
  if (!has_lifetime && !c.control().is_public && !heuristically_cacheable(c.status()))
    return NotStored::kNoFreshness;
  return NotStored::kNone;
}

NotStored judge_cookie(const Case& c) {
  if (!c.fields().has(FieldId::kSetCookie)) return NotStored::kNone;
  const CacheControl& control = c.control();
  const bool meant_for_all = control.is_public || control.s_maxage_s.has_value() || c.directives.targeted();
  switch (c.policy.set_cookie) {
    case SetCookiePolicy::kExplicit:
      return c.fresh.is_explicit() ? NotStored::kNone : NotStored::kSetCookie;
    case SetCookiePolicy::kPublic:
      return meant_for_all ? NotStored::kNone : NotStored::kSetCookie;
    case SetCookiePolicy::kNever:
      return NotStored::kSetCookie;
    case SetCookiePolicy::kStrip:
      return NotStored::kNone;
  }
  return NotStored::kSetCookie;
}

std::uint16_t flags_of(const Case& c) {
  const CacheControl& control = c.control();
  unsigned flags = 0;
  const auto set = [&flags](bool condition, StoredFlag flag) { flags |= condition ? unsigned{flag} : 0U; };
  set(control.must_revalidate || control.proxy_revalidate, kStoredMustRevalidate);
  set(control.no_cache, kStoredNoCache);
  set(control.s_maxage_s.has_value(), kStoredSMaxage);
  set(c.fresh.source == LifetimeSource::kHeuristic, kStoredHeuristic);
  set(control.no_transform, kStoredNoTransform);
  set(c.status() == 206, kStoredPartial);
  set(c.fields().has(FieldId::kEtag) || c.fields().has(FieldId::kLastModified), kStoredHasValidator);
  set(control.immutable, kStoredImmutable);
  set(control.stale_if_error_s.has_value(), kStoredStaleErrorSaid);
  set(control.stale_while_revalidate_s.has_value(), kStoredStaleRevalidateSaid);
  return static_cast<std::uint16_t>(flags);
}

StoredTimes times_of(const Case& c) {
  StoredTimes times;
  times.response_time_s = c.input.response_time_s;
  times.initial_age_s =
      static_cast<std::uint32_t>(initial_age(c.fields(), c.input.response_time_s, c.input.response_delay_ms));
  std::int64_t lifetime_s = c.fresh.lifetime_s;
  if (c.status() == 400) lifetime_s = std::min(lifetime_s, times.initial_age_s + c.policy.bad_request_max_s);
  times.lifetime_s = static_cast<std::uint32_t>(lifetime_s);
  times.stale_revalidate_s = static_cast<std::uint32_t>(c.control().stale_while_revalidate_s.value_or(0));
  times.stale_error_s = static_cast<std::uint32_t>(c.control().stale_if_error_s.value_or(0));
  times.flags = flags_of(c);
  return times;
}

// Stale on arrival (or always to be validated), nothing to validate it by, and no leave to serve it stale.
bool is_useless(const StoredTimes& times) {
  if (times.has(kStoredHasValidator)) return false;
  if (times.has(kStoredNoCache)) return true;
  return times.lifetime_s <= times.initial_age_s && times.stale_revalidate_s == 0 && times.stale_error_s == 0;
}

std::vector<std::string> names_to_strip(const Case& c) {
  std::vector<std::string> names = c.control().no_cache_fields;
  names.insert(names.end(), c.control().private_fields.begin(), c.control().private_fields.end());
  if (c.policy.set_cookie == SetCookiePolicy::kStrip && c.fields().has(FieldId::kSetCookie)) {
    names.emplace_back(field_name(FieldId::kSetCookie));
  }
  return names;
}

bool is_method_override(const Field& field) {
  return field.id == FieldId::kOther && (equals_ignoring_case(field.name, "X-HTTP-Method-Override") ||
                                         equals_ignoring_case(field.name, "X-HTTP-Method") ||
                                         equals_ignoring_case(field.name, "X-Method-Override"));
}

bool is_visible_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

}  // namespace

std::string_view token_of(NotStored reason) { return kReasonTexts[static_cast<std::size_t>(reason)].token; }
std::string_view explanation_of(NotStored reason) {
  return kReasonTexts[static_cast<std::size_t>(reason)].explanation;
}

StoreDecision decide_store(const StoreInput& input, const StorePolicy& policy) {
  Case c{input, policy, response_directives(input.response.fields), {}};
  // What says outright that it is for one asker has no lifetime that anybody would look at.
  const bool for_one = c.control().no_store || c.control().is_private;
  if (!for_one || c.control().must_understand)
    c.fresh = freshness(input.response, c.directives, input.response_time_s, policy.freshness);
  StoreDecision decision;
  decision.lifetime_source = c.fresh.source;
  decision.times = times_of(c);
  decision.partial = input.response.status == 206;
  decision.strip = names_to_strip(c);
  for (auto judge :
       {judge_request, judge_directives, judge_status, judge_lifetime, judge_vary, judge_cookie}) {
    decision.reason = judge(c);
    if (!decision.store()) return decision;
  }
  if (is_useless(decision.times)) decision.reason = NotStored::kUseless;
  return decision;
}

bool is_plain_request(const RequestHead& request, const StorePolicy& policy) {
  std::size_t total = 0;
  for (const Field& field : request.fields) {
    total += field.name.size() + field.value.size() + 4;
    if (field.value.size() > policy.plain_value_bytes || total > policy.plain_header_bytes) return false;
    if (is_method_override(field) || !is_visible_ascii(field.value)) return false;
  }
  return true;
}

bool status_understood(int status) {
  switch (status) {
    case 306:
    case 418:
      return false;
    default:
      return (status >= 200 && status <= 206) || (status >= 300 && status <= 308) ||
             (status >= 400 && status <= 417) || status == 421 || status == 422 || status == 426 ||
             (status >= 500 && status <= 505);
  }
}

}  // namespace meridian::http
