#include "edge/tiers/s3_fifo.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace meridian {
namespace {

// Holds what the policy asks about; the test plays the tier.
class Bench final : public EvictionPolicy::Entries {
 public:
  explicit Bench(std::uint64_t capacity, S3Fifo::Options options = {}) : policy(options) {
    policy.set_capacity(capacity);
  }

  std::uint64_t bytes(EntryId id) override { return held.at(id).bytes; }
  std::uint64_t hash(EntryId id) override { return hash_of(id); }
  unsigned frequency(EntryId id) override { return held.at(id).frequency; }
  void set_frequency(EntryId id, unsigned frequency) override { held.at(id).frequency = frequency; }

  static std::uint64_t hash_of(EntryId id) { return (id + 1) * 0x9E3779B97F4A7C15ULL; }
  void insert(EntryId id, std::uint64_t bytes = 1) {
    held[id] = {bytes, 0, false};
    policy.insert(id, hash_of(id), bytes);
  }
  void hit(EntryId id, unsigned times = 1) {
    held.at(id).frequency += times;
    held.at(id).asked = true;
  }
  EntryId evict() {
    const auto victim = policy.evict(*this);
    EXPECT_TRUE(victim);
    if (!victim) return 0;
    EXPECT_EQ(victim->reused, held.at(victim->id).asked);
    held.erase(victim->id);
    return victim->id;
  }
  std::vector<EntryId> evict_all() {
    std::vector<EntryId> order;
    while (!held.empty()) order.push_back(evict());
    return order;
  }

  struct Held {
    std::uint64_t bytes = 0;
    unsigned frequency = 0;
    bool asked = false;
  };
  S3Fifo policy;
  std::map<EntryId, Held> held;
};

using Order = std::vector<EntryId>;

TEST(S3Fifo, HoldsNothingAtFirst) {
  Bench bench(100);
  EXPECT_FALSE(bench.policy.evict(bench));
}

TEST(S3Fifo, ObjectsNobodyAskedForLeaveInTheirOrder) {
  Bench bench(100);
  for (EntryId id = 0; id < 5; ++id) bench.insert(id);
  EXPECT_EQ(bench.evict_all(), (Order{0, 1, 2, 3, 4}));
}

TEST(S3Fifo, AHitInTheSmallQueueLeadsToTheMainQueue) {
  Bench bench(10);  // the small queue's share is one byte: it is always drawn from while it has any
  for (EntryId id = 0; id < 4; ++id) bench.insert(id);
  bench.hit(1, 3);
  EXPECT_EQ(bench.evict(), 0U);
  EXPECT_EQ(bench.evict(), 2U) << "1 has moved on";
  EXPECT_EQ(bench.policy.main_bytes(), 1U);
  EXPECT_EQ(bench.evict(), 3U);
  EXPECT_EQ(bench.evict(), 1U) << "its hits were spent on moving";
}

TEST(S3Fifo, ItMayAskForMoreHitsAsThePaperDoes) {
  Bench bench(10, {.promote_frequency = 2});
  for (EntryId id = 0; id < 3; ++id) bench.insert(id);
  bench.hit(0, 1);
  bench.hit(1, 2);
  EXPECT_EQ(bench.evict(), 0U) << "one hit is not enough";
  EXPECT_EQ(bench.evict(), 2U) << "1 has moved on";
}

TEST(S3Fifo, TheSmallQueueIsLeftAloneBelowItsShare) {
  Bench bench(100);
  for (EntryId id = 0; id < 20; ++id) bench.insert(id);
  for (EntryId id = 0; id < 10; ++id) bench.hit(id);
  EXPECT_EQ(bench.evict(), 10U);
  EXPECT_EQ(bench.policy.main_bytes(), 10U);
  EXPECT_EQ(bench.policy.small_bytes(), 9U);
  EXPECT_EQ(bench.evict(), 0U) << "the small queue is below 10 bytes: the main queue gives its oldest";
}

TEST(S3Fifo, TheMainQueueGivesARoundForEachHit) {
  Bench bench(10);
  for (EntryId id = 0; id < 3; ++id) bench.insert(id);
  for (EntryId id = 0; id < 3; ++id) bench.hit(id);
  bench.insert(3);
  EXPECT_EQ(bench.evict(), 3U) << "all others move to the main queue";
  bench.hit(0, 2);
  bench.hit(1, 1);
  EXPECT_EQ(bench.evict_all(), (Order{2, 1, 0}));
}

TEST(S3Fifo, AGhostEntersTheMainQueue) {
  Bench bench(100);
  for (EntryId id = 0; id < 50; ++id) bench.insert(id);
  EXPECT_EQ(bench.evict(), 0U);
  bench.insert(0);
  EXPECT_EQ(bench.policy.main_bytes(), 1U);
  bench.insert(60);
  EXPECT_EQ(bench.policy.main_bytes(), 1U) << "a stranger goes to the small queue";
}

TEST(S3Fifo, AnObjectThatLeftTheMainQueueIsNoGhost) {
  Bench bench(10);
  bench.insert(0);
  bench.hit(0);
  bench.insert(1);
  EXPECT_EQ(bench.evict(), 1U);
  EXPECT_EQ(bench.evict(), 0U);
  bench.insert(0);
  EXPECT_EQ(bench.policy.main_bytes(), 0U);
}

TEST(S3Fifo, AScanPassesThroughTheSmallQueue) {
  Bench bench(1000);
  for (EntryId id = 0; id < 900; ++id) bench.insert(id);
  for (EntryId id = 0; id < 900; ++id) bench.hit(id);
  for (EntryId id = 900; id < 1000; ++id) bench.insert(id);
  for (EntryId id = 1000; id < 21'000; ++id) {
    bench.evict();
    bench.insert(id);
  }
  std::size_t kept = 0;
  for (EntryId id = 0; id < 900; ++id) kept += bench.held.count(id);
  EXPECT_EQ(kept, 900U) << "twenty times the capacity went by, and what is used stayed";
}

TEST(S3Fifo, CountsBytesNotObjects) {
  Bench bench(1000);
  bench.insert(0, 90);
  bench.hit(0);
  bench.insert(1, 200);
  EXPECT_EQ(bench.evict(), 1U) << "0 moves on, 1 is above the small queue's share";
  EXPECT_EQ(bench.policy.main_bytes(), 90U);
  bench.insert(2, 99);
  EXPECT_EQ(bench.evict(), 0U);
  EXPECT_EQ(bench.policy.small_bytes(), 99U);
}

TEST(S3Fifo, EraseAndResizeKeepTheSums) {
  Bench bench(10);
  for (EntryId id = 0; id < 5; ++id) bench.insert(id, 10);
  bench.hit(0, 2);
  bench.hit(1, 2);
  EXPECT_EQ(bench.evict(), 2U);
  const auto erase = [&](EntryId id) {
    bench.policy.erase(id, bench.held.at(id).bytes);
    bench.held.erase(id);
  };
  erase(0);
  EXPECT_EQ(bench.policy.main_bytes(), 10U);
  bench.policy.resize(1, 10, 70);
  bench.held[1].bytes = 70;
  EXPECT_EQ(bench.policy.main_bytes(), 70U);
  erase(4);
  bench.policy.resize(3, 10, 4);
  bench.held[3].bytes = 4;
  EXPECT_EQ(bench.policy.small_bytes(), 4U);
  EXPECT_EQ(bench.evict_all(), (Order{3, 1}));
  EXPECT_EQ(bench.policy.main_bytes() + bench.policy.small_bytes(), 0U);
}

TEST(S3Fifo, FindsAVictimEvenWhenEverythingIsPopular) {
  constexpr EntryId kCount = 4 * S3Fifo::kMaxRounds;
  Bench bench(10);
  for (EntryId id = 0; id < kCount; ++id) bench.insert(id);
  for (EntryId id = 0; id < kCount; ++id) bench.hit(id);
  bench.insert(kCount);
  EXPECT_EQ(bench.evict(), kCount);
  for (EntryId id = 0; id < kCount; ++id) bench.hit(id, 3);
  EXPECT_EQ(bench.evict(), EntryId{S3Fifo::kMaxRounds}) << "the first that comes after the last spared one";
}

}  // namespace
}  // namespace meridian
