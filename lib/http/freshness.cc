#include "lib/http/freshness.h"

#include <algorithm>

#include "lib/http/date.h"

namespace meridian::http {
namespace {

std::int64_t bounded(std::int64_t seconds) { return std::clamp(seconds, std::int64_t{0}, kMaxDeltaSeconds); }

// The time the origin says it made the response; the time of receipt where it does not say.
std::int64_t date_of(const FieldList& fields, std::int64_t response_time_s) {
  if (!fields.has(FieldId::kDate)) return response_time_s;
  return parse_http_date(fields.value(FieldId::kDate), response_time_s).value_or(response_time_s);
}

Freshness by_expires(const FieldList& fields, std::int64_t response_time_s) {
  const std::optional<std::int64_t> expires =
      parse_http_date(fields.value(FieldId::kExpires), response_time_s);
  if (!expires) return {0, LifetimeSource::kExpires};
  return {bounded(*expires - date_of(fields, response_time_s)), LifetimeSource::kExpires};
}

// Section 4.2.2: a share of the time that the response has been as it is.
Freshness by_heuristic(const FieldList& fields, std::int64_t response_time_s, const FreshnessPolicy& policy) {
  const std::optional<std::int64_t> modified =
      parse_http_date(fields.value(FieldId::kLastModified), response_time_s);
  if (!modified) return {};
  const std::int64_t unchanged_s = bounded(date_of(fields, response_time_s) - *modified);
  const std::int64_t lifetime_s = unchanged_s * static_cast<std::int64_t>(policy.heuristic_percent) / 100;
  return {std::min(lifetime_s, policy.heuristic_max_s), LifetimeSource::kHeuristic};
}

Freshness by_policy(int status, const FreshnessPolicy& policy) {
  for (const FreshnessPolicy::StatusLifetime& entry : policy.by_status) {
    if (entry.status == status) return {bounded(entry.lifetime_s), LifetimeSource::kPolicy};
  }
  return {};
}

Freshness unbounded_freshness(const ResponseHead& response, const ResponseDirectives& directives,
                              std::int64_t response_time_s, const FreshnessPolicy& policy) {
  const CacheControl& control = directives.cache_control;
  const FieldList& fields = response.fields;
  if (control.s_maxage_s) return {*control.s_maxage_s, LifetimeSource::kSMaxage};
  if (control.max_age_s) return {*control.max_age_s, LifetimeSource::kMaxAge};
  if (!directives.targeted() && fields.has(FieldId::kExpires)) return by_expires(fields, response_time_s);
  const Freshness negative = by_policy(response.status, policy);
  if (negative.source != LifetimeSource::kNone) return negative;
  const bool may_guess = policy.heuristics && (control.is_public || heuristically_cacheable(response.status));
  if (may_guess && fields.has(FieldId::kLastModified)) return by_heuristic(fields, response_time_s, policy);
  return {};
}

}  // namespace

bool heuristically_cacheable(int status) {
  switch (status) {
    case 200:
    case 203:
    case 204:
    case 206:
    case 300:
    case 301:
    case 308:
    case 404:
    case 405:
    case 410:
    case 414:
    case 501:
      return true;
    default:
      return false;
  }
}

Freshness freshness(const ResponseHead& response, const ResponseDirectives& directives,
                    std::int64_t response_time_s, const FreshnessPolicy& policy) {
  Freshness result = unbounded_freshness(response, directives, response_time_s, policy);
  result.lifetime_s = std::min(bounded(result.lifetime_s), bounded(policy.lifetime_max_s));
  return result;
}

std::optional<std::int64_t> age_value(const FieldList& fields) {
  if (!fields.has(FieldId::kAge)) return std::nullopt;
  const std::string_view value = fields.value(FieldId::kAge);
  return parse_delta_seconds(trim(value.substr(0, value.find(','))));
}

std::int64_t initial_age(const FieldList& fields, std::int64_t response_time_s,
                         std::int64_t response_delay_ms) {
  const std::int64_t apparent_age = bounded(response_time_s - date_of(fields, response_time_s));
  const std::int64_t response_delay_s = std::max(response_delay_ms, std::int64_t{0}) / 1000;
  return bounded(std::max(apparent_age, age_value(fields).value_or(0) + response_delay_s));
}

}  // namespace meridian::http
