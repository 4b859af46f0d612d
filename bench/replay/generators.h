#pragma once

#include <string_view>

#include "bench/replay/trace.h"

namespace meridian::replay {

// What a made-up stream of requests is made of. Shares are of requests.
struct Mix {
  std::string_view name;
  std::string_view about;
  double alpha = 0.9;        // Zipf's exponent: how unequal the popular objects are
  bool equal_sizes = false;  // else heavy-tailed
  double wonder_share = 0;   // for objects that nobody asks for twice
  double churn_share = 0;    // after which some rank belongs to a new object
  double scan_every =
      0;  // requests between scans of the same cold objects, as a multiple of the popular ones
  double scan_length = 0;      // objects in a scan, the same way
  double flash_share = 0;      // at the peak of a flash crowd, for a few objects that are new
  double short_ttl_share = 0;  // of objects that go stale within an hour
};

// The streams on which the eviction policy is held to its promise.
const std::vector<Mix>& mixes();

// The same for the same seed, on every machine.
Trace generate(const Mix& mix, std::uint32_t objects, std::size_t requests, std::uint64_t seed);

}  // namespace meridian::replay
