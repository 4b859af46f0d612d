#pragma once

#include <cstdint>

// What is kept of a response's caching rules next to it: enough to judge reuse without looking at the head
// again.
namespace meridian::http {

// Bits for the metadata's flags; they go to disk, so their values do not change.
enum StoredFlag : std::uint16_t {
  kStoredMustRevalidate = 1U << 0U,  // must-revalidate or proxy-revalidate: never served stale
  kStoredNoCache = 1U << 1U,         // validated before each use
  kStoredSMaxage =
      1U << 2U,  // s-maxage: served stale only by the origin's own leave (RFC 9111 section 5.2.2.10)
  kStoredHeuristic = 1U << 3U,  // the lifetime is a guess
  kStoredNoTransform = 1U << 4U,
  kStoredPartial = 1U << 5U,              // a 206
  kStoredHasValidator = 1U << 6U,         // ETag or Last-Modified is there
  kStoredImmutable = 1U << 7U,            // RFC 8246
  kStoredStaleErrorSaid = 1U << 8U,       // the origin gave stale-if-error itself, perhaps 0
  kStoredStaleRevalidateSaid = 1U << 9U,  // the same for stale-while-revalidate
  kStoredFirstFree = 1U << 10U,           // bits from here on belong to the layer above
};

struct StoredTimes {
  std::int64_t response_time_s = 0;  // wall clock, when the response came
  std::uint32_t initial_age_s = 0;
  std::uint32_t lifetime_s = 0;
  std::uint32_t stale_revalidate_s = 0;
  std::uint32_t stale_error_s = 0;
  std::uint16_t flags = 0;

  bool has(StoredFlag flag) const { return (flags & flag) != 0; }
  // current_age (RFC 9111 section 4.2.3); never negative, also when the clock was set back.
  std::int64_t age_at(std::int64_t now_s) const {
    const std::int64_t resident = now_s > response_time_s ? now_s - response_time_s : 0;
    return resident + initial_age_s;
  }
  // Negative once stale.
  std::int64_t ttl_at(std::int64_t now_s) const { return std::int64_t{lifetime_s} - age_at(now_s); }
};

}  // namespace meridian::http
