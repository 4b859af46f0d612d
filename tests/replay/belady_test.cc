#include "bench/replay/belady.h"

#include <gtest/gtest.h>

#include <bit>
#include <map>

#include "bench/replay/classics.h"
#include "tests/replay/traces.h"

namespace meridian::replay {
namespace {

using test::kCountAll;
using test::random_trace;
using test::trace_of;

// The most hits that any policy can get, by trying all of them: for each set of objects that could be held,
// the most hits so far.
unsigned most_hits(const Trace& trace, std::uint64_t capacity) {
  const auto bytes_of = [&](unsigned set) {
    std::uint64_t sum = 0;
    for (std::size_t id = 0; id < trace.object_bytes.size(); ++id) {
      if ((set >> id & 1U) != 0) sum += trace.object_bytes[id];
    }
    return sum;
  };
  std::map<unsigned, unsigned> best = {{0, 0}};
  for (const Request& request : trace.requests) {
    std::map<unsigned, unsigned> next;
    const auto reach = [&](unsigned set, unsigned hits) {
      unsigned& now = next[set];
      now = std::max(now, hits);
    };
    const unsigned bit = 1U << request.id;
    for (const auto& [set, hits] : best) {
      if ((set & bit) != 0) {
        reach(set, hits + 1);
        continue;
      }
      reach(set, hits);
      // Any subset of what is held may stay with the newcomer.
      for (unsigned kept = set;; kept = (kept - 1) & set) {
        if (bytes_of(kept | bit) <= capacity) reach(kept | bit, hits);
        if (kept == 0) break;
      }
    }
    best = std::move(next);
  }
  unsigned most = 0;
  for (const auto& [set, hits] : best) most = std::max(most, hits);
  return most;
}

unsigned hits_of(const Trace& trace, Cache& cache) {
  unsigned hits = 0;
  for (const Request& request : trace.requests) hits += cache.request(request.id) ? 1U : 0U;
  return hits;
}

TEST(Belady, IsTheBestThatCanBeDoneWithEqualSizes) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const Trace trace = random_trace(seed, 7, 40, 1);
    const std::uint64_t capacity = 1 + seed % 4;
    EXPECT_EQ(hits_of(trace, *make_belady(trace, kCountAll, capacity)), most_hits(trace, capacity)) << seed;
  }
}

TEST(Belady, WithSizesTheBoundIsNeverPassed) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const Trace trace = random_trace(seed, 7, 40, 5);
    const std::uint64_t capacity = 5 + seed % 8;
    const auto best = static_cast<double>(most_hits(trace, capacity)) / 40;
    EXPECT_LE(best, upper_bound(trace, kCountAll, capacity).hits + 1e-9) << seed;
    EXPECT_LE(hits_of(trace, *make_belady_size(trace, kCountAll, capacity)) / 40.0, best + 1e-9) << seed;
  }
}

TEST(Belady, TheBoundIsCloseWhenAllFits) {
  const Trace trace = random_trace(9, 50, 5000, 10);
  const Ratios bound = upper_bound(trace, kCountAll, 100'000);
  const Ratios real = simulate(trace, *make_lru(trace.object_bytes, 100'000), kCountAll);
  EXPECT_DOUBLE_EQ(bound.hits, real.hits);
  EXPECT_NEAR(bound.bytes, real.bytes, 1e-12);
}

TEST(Belady, SizeTellsWhatToGiveUp) {
  // Two small objects or a large one, each asked for as often.
  std::vector<ObjectId> ids;
  for (int i = 0; i < 100; ++i) ids.insert(ids.end(), {0, 1, 2});
  const Trace trace = trace_of(ids, {10, 5, 5});
  const Ratios ratios = simulate(trace, *make_belady_size(trace, kCountAll, 10), kCountAll);
  EXPECT_GT(ratios.hits, 0.6);
}

TEST(Belady, LeavesOutWhatTheRulesKeepOut) {
  const Rules rules{.warm_up_share = 0, .max_object_bytes = 5};
  const Trace trace = trace_of({0, 1, 0, 1, 0, 1}, {10, 5});
  for (const auto& make : {make_belady, make_belady_size}) {
    EXPECT_DOUBLE_EQ(simulate(trace, *make(trace, rules, 100), rules).hits, 2.0 / 6);
  }
  EXPECT_DOUBLE_EQ(upper_bound(trace, rules, 100).hits, 2.0 / 6);
}

TEST(Simulate, AHitAfterItsLifetimeIsAMissAndFreshAgain) {
  Trace trace = trace_of({0, 0, 0, 0, 0}, {1});
  for (Request& request : trace.requests) request.ttl_s = 2;  // a request each second
  const Ratios ratios = simulate(trace, *make_lru(trace.object_bytes, 10), kCountAll);
  EXPECT_DOUBLE_EQ(ratios.hits, 2.0 / 5) << "fetched at 0, 2 and 4";
  EXPECT_GE(upper_bound(trace, kCountAll, 10).hits, 2.0 / 5);
}

TEST(Simulate, TheWarmUpIsPlayedAndNotCounted) {
  const Trace trace = trace_of({0, 1, 0, 1}, {3, 1});
  const Rules half{.warm_up_share = 0.5};
  const Ratios ratios = simulate(trace, *make_lru(trace.object_bytes, 10), half);
  EXPECT_EQ(ratios.hits, 1);
  EXPECT_EQ(ratios.bytes, 1);
}

}  // namespace
}  // namespace meridian::replay
