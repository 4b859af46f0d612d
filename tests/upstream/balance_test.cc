#include "origin/upstream/balance.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace meridian::upstream {
namespace {

std::vector<Candidate> candidates(std::size_t count) {
  std::vector<Candidate> list;
  for (std::size_t i = 0; i < count; ++i) list.push_back({i, 1, 0, 0x9e3779b97f4a7c15U * (i + 1)});
  return list;
}

TEST(LeastOfTwo, SpreadsByLoad) {
  std::vector<Candidate> list = candidates(5);
  const LeastOfTwo policy;
  Random random(1);
  unsigned most = 0;
  for (int i = 0; i < 5000; ++i) ++list[policy.pick(list, 0, random.next())].running;
  for (const Candidate& c : list) most = std::max(most, c.running);
  // One thousand each, and nobody far above: that is what the second choice buys.
  EXPECT_LE(most, 1010U);
}

TEST(LeastOfTwo, AvoidsTheBusyOne) {
  std::vector<Candidate> list = candidates(2);
  list[0].running = 10;
  const LeastOfTwo policy;
  Random random(2);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(policy.pick(list, 0, random.next()), 1U);
}

TEST(LeastOfTwo, WeightsCountWhenIdleAndWhenBusy) {
  std::vector<Candidate> list = candidates(3);
  list[0].weight = 8;
  const LeastOfTwo policy;
  Random random(3);
  int heavy = 0;
  for (int i = 0; i < 10'000; ++i) heavy += policy.pick(list, 0, random.next()) == 0 ? 1 : 0;
  EXPECT_GT(heavy, 7000);
  for (int i = 0; i < 1000; ++i) ++list[policy.pick(list, 0, random.next())].running;
  EXPECT_NEAR(list[0].running, 800, 30);
}

TEST(Rendezvous, IsStableAndFollowsWeights) {
  std::vector<Candidate> list = candidates(4);
  list[3].weight = 3;
  const Rendezvous policy;
  std::map<std::size_t, int> counts;
  for (std::uint64_t hash = 0; hash < 30'000; ++hash) {
    const std::size_t at = policy.pick(list, hash, hash * 7);
    EXPECT_EQ(at, policy.pick(list, hash, 0)) << "chance must not matter";
    ++counts[at];
  }
  EXPECT_NEAR(counts[0], 5000, 300);
  EXPECT_NEAR(counts[3], 15'000, 400);
}

TEST(Rendezvous, OneOfTenLeavingMovesOnlyItsOwnTenth) {
  const std::vector<Candidate> all = candidates(10);
  std::vector<Candidate> fewer = all;
  fewer.erase(fewer.begin() + 4);
  const Rendezvous policy;
  int moved = 0;
  for (std::uint64_t hash = 0; hash < 20'000; ++hash) {
    const std::size_t before = all[policy.pick(all, hash, 0)].index;
    const std::size_t after = fewer[policy.pick(fewer, hash, 0)].index;
    if (before == after) continue;
    ++moved;
    EXPECT_EQ(before, 4U);
  }
  EXPECT_NEAR(moved, 2000, 200);
}

}  // namespace
}  // namespace meridian::upstream
