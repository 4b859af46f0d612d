#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "edge/tiers/ram_tier.h"
#include "tests/contract/tier_objects.h"

namespace meridian {
namespace {

using test::is_whole;
using test::object_of;

constexpr unsigned kThreads = 4;

void run_threads(const std::function<void(unsigned)>& body) {
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) threads.emplace_back(body, i);
  for (std::thread& thread : threads) thread.join();
}

// Everybody does everything on few keys in little room; every byte that is found is checked.
TEST(RamTierThreads, NoWrongByteWhileAllChangeEverything) {
  std::atomic<std::uint64_t> handed_over{0};
  RamTier tier({.capacity_bytes = 1U << 20U, .shards = 4, .on_evict = [&](RamTier::Evicted left) {
                  handed_over += is_whole(*left.object, left.object->key()) ? 1U : 1'000'000U;
                }});
  std::atomic<std::uint64_t> wrong{0};
  std::atomic<std::uint64_t> hits{0};
  std::atomic<std::uint64_t> above{0};
  run_threads([&](unsigned thread) {
    std::mt19937 random(thread + 1);
    for (unsigned step = 0; step < 4000; ++step) {
      const std::string key = "key " + std::to_string(random() % 300);
      const std::uint64_t version = step * kThreads + thread + 1;
      const std::size_t size = random() % 16 == 0 ? random() % 90'000 : random() % 5000;
      const auto found = tier.find(hash_of_key(key), key);
      if (found) ++hits;
      if (found && !is_whole(*found, key)) ++wrong;
      switch (random() % 16) {
        case 0:
          tier.remove(key);
          break;
        case 1:
          if (found) tier.remove_if(*found);
          break;
        case 2:
        case 3:
          if (found) tier.replace(*found, object_of(key, version, size));
          break;
        case 4:
          if (step % 64 == 0) tier.set_capacity((random() % 2 + 1) << 20U);
          break;
        default:
          if (!found) tier.put(object_of(key, version, size));
      }
      const TierStats stats = tier.stats();
      if (stats.bytes > stats.capacity_bytes) ++above;
    }
  });
  EXPECT_EQ(wrong, 0U);
  EXPECT_EQ(above, 0U);
  EXPECT_GT(hits, 1000U);
  EXPECT_EQ(handed_over, tier.stats().evictions);
  EXPECT_GT(tier.stats().evictions, 100U);
}

// Of all who replace the same object at once, one wins.
TEST(RamTierThreads, OneReplacementWins) {
  RamTier tier({.capacity_bytes = 1U << 20U});
  for (std::uint64_t round = 0; round < 300; ++round) {
    const Ref<const Object> expected = object_of("k", 1, 100);
    tier.put(expected);
    std::atomic<unsigned> wins{0};
    std::atomic<std::uint64_t> winner{0};
    run_threads([&](unsigned thread) {
      if (!tier.replace(*expected, object_of("k", thread + 2, 100))) return;
      ++wins;
      winner = thread + 2;
    });
    ASSERT_EQ(wins, 1U);
    ASSERT_EQ(tier.find(hash_of_key("k"), "k")->meta().fill_seq, winner);
  }
}

// An invalidation counts first and removes then. Once it has returned, nobody finds what was asked for before
// it.
TEST(RamTierThreads, PutIfLeavesNoMomentAfterAnInvalidation) {
  RamTier tier({.capacity_bytes = 1U << 20U});
  std::atomic<std::uint64_t> generation{1};
  std::atomic<std::uint64_t> stale{0};
  std::atomic<bool> done{false};
  std::thread invalidator([&] {
    for (int i = 0; i < 3000; ++i) {
      const std::uint64_t now = ++generation;
      tier.remove("k");
      const auto found = tier.find(hash_of_key("k"), "k");
      if (found && found->meta().fill_seq < now) ++stale;
    }
    done = true;
  });
  std::vector<std::thread> fills;
  for (unsigned i = 0; i + 1 < kThreads; ++i) {
    fills.emplace_back([&] {
      while (!done) {
        const std::uint64_t asked_at = generation;
        tier.put_if(object_of("k", asked_at, 50), [&] { return generation == asked_at; });
      }
    });
  }
  invalidator.join();
  for (std::thread& fill : fills) fill.join();
  EXPECT_EQ(stale, 0U);
}

}  // namespace
}  // namespace meridian
