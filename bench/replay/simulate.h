#pragma once

#include "bench/replay/cache.h"

namespace meridian::replay {

struct Rules {
  double warm_up_share = 0.2;                          // of the requests, which are played and not counted
  std::uint64_t max_object_bytes = ~std::uint64_t{0};  // larger ones are passed on and never kept
};

struct Ratios {
  double hits = 0;   // requests answered from the cache
  double bytes = 0;  // the same by bytes
};

// Plays the requests; what is found after its lifetime counts as a miss (lifetimes.h).
Ratios simulate(const Trace& trace, Cache& cache, const Rules& rules);

}  // namespace meridian::replay
