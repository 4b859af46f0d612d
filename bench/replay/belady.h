#pragma once

#include "bench/replay/simulate.h"

namespace meridian::replay {

// Policies that know the future. The caches are for this one trace, and take its requests in order (without
// those that the rules keep out).

// Belady's rule: what is asked for last goes first, or is not let in. Nothing does better when all objects
// have one size; with sizes it is only a good guess.
std::unique_ptr<Cache> make_belady(const Trace& trace, const Rules& rules, std::uint64_t capacity);
// The same with sizes: what takes the most bytes for the longest time until it is asked for goes first, of 64
// objects drawn at random.
std::unique_ptr<Cache> make_belady_size(const Trace& trace, const Rules& rules, std::uint64_t capacity);
// What no policy can pass, with sizes: each ratio by itself, so that none reaches both. To turn a repeated
// request into a hit costs its bytes for the time since the last one; the cheapest are taken until all of the
// cache's bytes for all of the time are spent (PFOO-L: Berger, Beckmann, Harchol-Balter, SIGMETRICS 2018).
Ratios upper_bound(const Trace& trace, const Rules& rules, std::uint64_t capacity);

}  // namespace meridian::replay
