#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lib/http/cache_control.h"
#include "lib/http/message.h"

// How long a response is fresh, and how old it was when it came (RFC 9111 section 4.2).
namespace meridian::http {

struct FreshnessPolicy {
  bool heuristics = true;
  unsigned heuristic_percent = 10;  // of the time since Last-Modified (section 4.2.2)
  std::int64_t heuristic_max_s = 24 * 3600;
  std::int64_t lifetime_max_s = kMaxDeltaSeconds;  // caps explicit lifetimes too
  // Negative caching and the like: a lifetime for a status when the origin gives none. First match counts.
  struct StatusLifetime {
    int status = 0;
    std::int64_t lifetime_s = 0;
  };
  std::vector<StatusLifetime> by_status;
};

enum class LifetimeSource : std::uint8_t { kNone, kSMaxage, kMaxAge, kExpires, kHeuristic, kPolicy };

struct Freshness {
  std::int64_t lifetime_s = 0;  // 0 to kMaxDeltaSeconds
  LifetimeSource source = LifetimeSource::kNone;
  // The origin said so itself.
  bool is_explicit() const {
    return source >= LifetimeSource::kSMaxage && source <= LifetimeSource::kExpires;
  }
};

// Statuses that RFC 9110 section 15.1 lets caches store by heuristics. 206 is one of them.
bool heuristically_cacheable(int status);

// Section 4.2.1: s-maxage, max-age, Expires less Date, heuristics, in this order. An Expires that is no date
// has passed; of several the first counts; without a Date, or with a bad one, the time of receipt takes its
// place. `response_time_s`: when the response was received.
Freshness freshness(const ResponseHead& response, const ResponseDirectives& directives,
                    std::int64_t response_time_s, const FreshnessPolicy& policy);

// The Age field: the first member of the first line; nullopt when absent or no number (section 5.1).
// Saturates.
std::optional<std::int64_t> age_value(const FieldList& fields);

// corrected_initial_age (section 4.2.3). `response_delay_ms`: from sending the request to the response's
// head.
std::int64_t initial_age(const FieldList& fields, std::int64_t response_time_s,
                         std::int64_t response_delay_ms);

}  // namespace meridian::http
