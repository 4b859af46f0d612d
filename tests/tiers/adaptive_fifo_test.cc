#include "edge/tiers/adaptive_fifo.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

namespace meridian {
namespace {

// Holds what the policy asks about; the test plays the tier.
class Bench final : public EvictionPolicy::Entries {
 public:
  explicit Bench(std::uint64_t capacity, AdaptiveFifo::Options options = {.small_share = 0.1})
      : policy(options) {
    policy.set_capacity(capacity);
  }

  std::uint64_t bytes(EntryId id) override { return held.at(id).bytes; }
  std::uint64_t hash(EntryId id) override { return hash_of(id); }
  unsigned frequency(EntryId id) override { return held.at(id).frequency; }
  void set_frequency(EntryId id, unsigned frequency) override {
    held.at(id).frequency = frequency;
    ++frequencies_set;
  }

  static std::uint64_t hash_of(EntryId id) { return (id + 1) * 0x9E3779B97F4A7C15ULL; }
  void insert(EntryId id, std::uint64_t bytes = 1) {
    held[id] = {bytes, 0, false};
    ++inserted[id];
    policy.insert(id, *this);
  }
  void hit(EntryId id, unsigned times = 1) {
    unsigned& frequency = held.at(id).frequency;
    frequency = std::min(frequency + times, EvictionPolicy::kMaxFrequency);
    held.at(id).asked = true;
  }
  EntryId evict() {
    const auto victim = policy.evict(*this);
    EXPECT_TRUE(victim);
    if (!victim) return 0;
    const bool asked = held.at(victim->id).asked;
    EXPECT_TRUE(asked ? victim->reused : !victim->reused || inserted[victim->id] > 1);
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
  AdaptiveFifo policy;
  std::map<EntryId, Held> held;
  std::map<EntryId, int> inserted;
  unsigned frequencies_set = 0;  // once for each object that may stay
};

using Order = std::vector<EntryId>;

TEST(AdaptiveFifo, HoldsNothingAtFirst) {
  Bench bench(100);
  EXPECT_FALSE(bench.policy.evict(bench));
}

TEST(AdaptiveFifo, ObjectsNobodyAskedForLeaveInTheirOrder) {
  Bench bench(100);
  for (EntryId id = 0; id < 5; ++id) bench.insert(id);
  EXPECT_EQ(bench.evict_all(), (Order{0, 1, 2, 3, 4}));
}

TEST(AdaptiveFifo, AHitInTheSmallQueueLeadsToTheMainQueue) {
  Bench bench(10);  // the small queue's share is one byte: it is always drawn from while it has any
  for (EntryId id = 0; id < 4; ++id) bench.insert(id);
  bench.hit(1, 3);
  EXPECT_EQ(bench.evict(), 0U);
  EXPECT_EQ(bench.evict(), 2U) << "1 has moved on";
  EXPECT_EQ(bench.policy.main_bytes(), 1U);
  EXPECT_EQ(bench.evict(), 3U);
  EXPECT_EQ(bench.evict(), 1U) << "its hits were spent on moving";
}

TEST(AdaptiveFifo, TheSmallQueueIsLeftAloneBelowItsShare) {
  Bench bench(100);
  for (EntryId id = 0; id < 20; ++id) bench.insert(id);
  for (EntryId id = 0; id < 10; ++id) bench.hit(id);
  EXPECT_EQ(bench.evict(), 10U);
  EXPECT_EQ(bench.policy.main_bytes(), 10U);
  EXPECT_EQ(bench.policy.small_bytes(), 9U);
  EXPECT_EQ(bench.evict(), 0U) << "the small queue is below 10 bytes: the main queue gives its oldest";
}

TEST(AdaptiveFifo, TheMainQueueGivesARoundForEachHit) {
  Bench bench(10);
  for (EntryId id = 0; id < 3; ++id) bench.insert(id);
  for (EntryId id = 0; id < 3; ++id) bench.hit(id);
  bench.insert(3);
  EXPECT_EQ(bench.evict(), 3U) << "all others move to the main queue";
  bench.hit(0, 2);
  bench.hit(1, 1);
  EXPECT_EQ(bench.evict_all(), (Order{2, 1, 0}));
}

TEST(AdaptiveFifo, AGhostEntersTheMainQueue) {
  Bench bench(100);
  for (EntryId id = 0; id < 50; ++id) bench.insert(id);
  EXPECT_EQ(bench.evict(), 0U);
  bench.insert(0);
  EXPECT_EQ(bench.policy.main_bytes(), 1U);
  bench.insert(60);
  EXPECT_EQ(bench.policy.main_bytes(), 1U) << "a stranger goes to the small queue";
}

TEST(AdaptiveFifo, AnObjectThatLeftTheMainQueueIsNoGhost) {
  Bench bench(10);
  bench.insert(0);
  bench.hit(0);
  bench.insert(1);
  EXPECT_EQ(bench.evict(), 1U);
  EXPECT_EQ(bench.evict(), 0U);
  bench.insert(0);
  EXPECT_EQ(bench.policy.main_bytes(), 0U);
}

TEST(AdaptiveFifo, AScanPassesThroughTheSmallQueue) {
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
  EXPECT_GE(kept, 900 - 900 / AdaptiveFifo::kMaxRounds)
      << "twenty times the capacity went by, and what is used stayed, but for the price of finding a victim "
         "soon";
}

TEST(AdaptiveFifo, CountsBytesNotObjects) {
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

TEST(AdaptiveFifo, EraseAndResizeKeepTheSums) {
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

TEST(AdaptiveFifo, FindsAVictimSoonEvenWhenEverythingIsPopular) {
  constexpr EntryId kCount = 4 * AdaptiveFifo::kMaxRounds;
  Bench bench(10);
  for (EntryId id = 0; id < kCount; ++id) bench.insert(id);
  for (EntryId id = 0; id < kCount; ++id) bench.hit(id);
  EXPECT_EQ(bench.evict(), EntryId{AdaptiveFifo::kMaxRounds}) << "of the small queue";
  EXPECT_EQ(bench.frequencies_set, AdaptiveFifo::kMaxRounds);
  while (bench.policy.small_bytes() > 0) bench.evict();
  for (auto& [id, held] : bench.held) bench.hit(id, 3);
  const EntryId next = std::next(bench.held.begin(), AdaptiveFifo::kMaxRounds)->first;
  bench.frequencies_set = 0;
  EXPECT_EQ(bench.evict(), next) << "the first of the main queue that comes after the last spared one";
  EXPECT_EQ(bench.frequencies_set, AdaptiveFifo::kMaxRounds);
}

TEST(AdaptiveFifo, NoCapacityIsNoDuel) {
  Bench bench(0);
  for (int times = 0; times < 3; ++times) {
    bench.insert(7);
    EXPECT_EQ(bench.evict(), 7U);
  }
  bench.insert(1);
  bench.hit(1);
  bench.insert(2);
  EXPECT_EQ(bench.evict_all().size(), 2U);
}

// A full main queue of objects that were seen twice, and five ghosts that were seen once.
class FullMain : public testing::Test {
 protected:
  static constexpr EntryId kCount = 95;
  void SetUp() override {
    for (EntryId id = 0; id < kCount; ++id) bench.insert(id);
    for (EntryId id = 0; id < kCount; ++id) bench.hit(id);
    for (EntryId id = 1000; id < 1010; ++id) bench.insert(id);
    for (EntryId id = 1000; id < 1005; ++id) EXPECT_EQ(bench.evict(), id);
    ASSERT_EQ(bench.policy.main_bytes(), kCount);
  }
  // Strangers come until this one is at the end of the small queue and moves on.
  void push_out_of_small(EntryId id) {
    for (int i = 0; i < 5; ++i) bench.insert(next_stranger++);
    while (bench.held.count(id) != 0 && bench.policy.small_bytes() >= 6) bench.evict();
  }
  EntryId next_stranger = 2000;
  Bench bench{100, {.small_share = 0.05, .size_weight = 0}};
};

TEST_F(FullMain, AGhostThatIsWorthNoMoreStaysInTheSmallQueue) {
  // Seen once before, once now: as often as those of the main queue, which stay when it is even.
  bench.insert(1000);
  EXPECT_EQ(bench.policy.main_bytes(), kCount);
}

TEST_F(FullMain, AGhostThatIsWorthMoreEntersTheMainQueue) {
  bench.insert(1000);
  push_out_of_small(1000);
  ASSERT_EQ(bench.held.count(1000), 0U);
  bench.insert(1000);
  EXPECT_EQ(bench.policy.main_bytes(), kCount + 1U) << "seen three times by now";
}

TEST_F(FullMain, ALoserThatComesBackGivesNewcomersAnAdvantage) {
  bench.insert(1000);
  push_out_of_small(1000);
  EXPECT_EQ(bench.policy.advantage(), 0);
  bench.insert(1000);
  EXPECT_DOUBLE_EQ(bench.policy.advantage(), AdaptiveFifo::kAdvantageStep);
}

TEST_F(FullMain, ALoserThatIsAskedForInTheSmallQueueDoesSoToo) {
  bench.insert(1000);
  bench.hit(1000);
  push_out_of_small(1000);
  EXPECT_EQ(bench.policy.main_bytes(), kCount + 1U);
  EXPECT_DOUBLE_EQ(bench.policy.advantage(), AdaptiveFifo::kAdvantageStep);
}

TEST_F(FullMain, SomebodyDisplacedWhoComesBackTakesFromIt) {
  while (bench.policy.small_bytes() >= 5) bench.evict();
  const EntryId displaced = bench.evict();
  EXPECT_LT(displaced, kCount);
  bench.insert(displaced);
  EXPECT_DOUBLE_EQ(bench.policy.advantage(), -AdaptiveFifo::kAdvantageStep);
}

TEST(AdaptiveFifo, LargeObjectsAreWorthLess) {
  for (const std::uint64_t bytes : {1U, 50U}) {
    Bench bench(1000, {.small_share = 0.05, .size_weight = 0.3});
    for (EntryId id = 0; id < 95; ++id) bench.insert(id, 10);
    for (EntryId id = 0; id < 95; ++id) bench.hit(id);
    for (EntryId id = 100; id < 106; ++id) bench.insert(id, id == 100 ? bytes : 10);
    while (bench.held.count(100) != 0) bench.evict();
    const std::uint64_t before = bench.policy.main_bytes();
    bench.insert(100, bytes);
    EXPECT_EQ(bench.policy.main_bytes(), bytes == 1 ? before + 1 : before);
  }
}

TEST(AdaptiveFifo, TheAdvantageStaysWithinItsBounds) {
  Bench bench(200, {.small_share = 0.05, .size_weight = 0});
  std::uint64_t random = 1;
  for (int i = 0; i < 300'000; ++i) {
    random = random * 6364136223846793005ULL + 1442695040888963407ULL;
    // Whoever is popular changes all the time, then not at all.
    const auto id = static_cast<EntryId>((random >> 40U) % 250 + (i < 150'000 ? i / 100 * 50 : 0));
    if (bench.held.count(id) != 0) {
      bench.hit(id);
      continue;
    }
    while (bench.held.size() >= 200) bench.evict();
    bench.insert(id);
    ASSERT_GE(bench.policy.advantage(), AdaptiveFifo::kLeastAdvantage);
    ASSERT_LE(bench.policy.advantage(), AdaptiveFifo::kMostAdvantage);
  }
  EXPECT_NE(bench.policy.advantage(), 0);
}

}  // namespace
}  // namespace meridian
