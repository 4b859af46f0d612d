#include "lib/wire/ring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

namespace meridian::wire {
namespace {

constexpr int kKeys = 100'000;

std::vector<RingMember> edges(unsigned count) {
  std::vector<RingMember> all;
  for (unsigned i = 1; i <= count; ++i) all.push_back({.name = "edge-" + std::to_string(i)});
  return all;
}
std::uint64_t hash_of(int i) { return Ring::hash_of("http://www.example.test/" + std::to_string(i)); }

const std::string& owner_of(const Ring& ring, int key) { return ring.name(ring.owner(hash_of(key))); }

TEST(Ring, SharesFollowTheWeights) {
  for (const unsigned count : {2U, 3U, 10U, 40U}) {
    auto members = edges(count);
    unsigned total = 0;
    for (unsigned i = 0; i < count; ++i) total += members[i].weight = i % 3 == 0 ? 1 : i % 3 == 1 ? 2 : 5;
    const Ring ring(members);
    std::map<std::string, int> counts;
    for (int i = 0; i < kKeys; ++i) ++counts[owner_of(ring, i)];
    for (const RingMember& member : members) {
      const double fair = static_cast<double>(kKeys) * member.weight / total;
      // Six standard deviations of a fair draw: what is beyond is no chance.
      EXPECT_NEAR(counts[member.name], fair, 6 * std::sqrt(fair)) << member.name << " of " << count;
    }
  }
}

// "Changing one edge of ten moves at most 1.3/10 of keys", and none between two edges that stay.
TEST(Ring, OneEdgeOfTenMovesATenthOfTheKeys) {
  const Ring ten(edges(10));
  for (unsigned gone = 0; gone < 10; ++gone) {
    auto members = edges(10);
    members.erase(members.begin() + gone);
    const Ring nine(members);
    int moved = 0;
    std::map<std::string, int> heirs;
    for (int i = 0; i < kKeys; ++i) {
      const std::string& before = owner_of(ten, i);
      const std::string& after = owner_of(nine, i);
      if (before == after) continue;
      EXPECT_EQ(before, "edge-" + std::to_string(gone + 1));
      ++moved;
      ++heirs[after];
    }
    EXPECT_LT(moved, kKeys * 13 / 100);
    EXPECT_GT(moved, kKeys * 9 / 100);
    EXPECT_EQ(heirs.size(), 9U) << "all others share what it leaves";
    for (const auto& [name, count] : heirs) EXPECT_NEAR(count, moved / 9.0, moved / 30.0) << name;
    RecordProperty("moved_of_100000_without_" + std::to_string(gone + 1), moved);
  }
}

TEST(Ring, AWeightThatGrowsTakesKeysAndGivesNone) {
  auto members = edges(5);
  const Ring before(members);
  members[2].weight = 2;
  const Ring after(members);
  int moved = 0;
  for (int i = 0; i < kKeys; ++i) {
    if (owner_of(before, i) == owner_of(after, i)) continue;
    EXPECT_EQ(owner_of(after, i), "edge-3");
    ++moved;
  }
  EXPECT_NEAR(moved, kKeys * (2.0 / 6 - 1.0 / 5), kKeys * 0.01);
}

TEST(Ring, TheSecondChoiceIsWhoeverOwnsItWithoutTheFirst) {
  const Ring all(edges(7));
  std::array<Ring::Index, 7> room;
  for (int i = 0; i < 500; ++i) {
    const auto order = all.order(hash_of(i), room);
    ASSERT_EQ(order.size(), 7U);
    EXPECT_EQ(std::set<Ring::Index>(order.begin(), order.end()).size(), 7U);
    EXPECT_EQ(order[0], all.owner(hash_of(i)));
    auto members = edges(7);
    for (const Ring::Index next : order) {
      EXPECT_EQ(owner_of(Ring(members), i), all.name(next));
      std::erase_if(members, [&](const RingMember& member) { return member.name == all.name(next); });
    }
  }
}

TEST(Ring, AShortOrderIsTheBeginningOfTheLongOne) {
  const Ring ring(edges(30));
  std::array<Ring::Index, 16> all;
  std::array<Ring::Index, 3> few;
  for (int i = 0; i < 1000; ++i) {
    const auto whole = ring.order(hash_of(i), all);
    const auto start = ring.order(hash_of(i), few);
    ASSERT_EQ(start.size(), 3U);
    EXPECT_TRUE(std::equal(start.begin(), start.end(), whole.begin()));
  }
  EXPECT_TRUE(ring.order(1, {}).empty());
  EXPECT_TRUE(Ring({}).order(1, few).empty());
}

TEST(Ring, TheOrderOfTheListDoesNotMatter) {
  auto members = edges(20);
  for (unsigned i = 0; i < 20; ++i) members[i].weight = 1 + i % 4;
  const Ring forward(members);
  std::reverse(members.begin(), members.end());
  const Ring backward(members);
  for (int i = 0; i < 10'000; ++i) EXPECT_EQ(owner_of(forward, i), owner_of(backward, i));
}

// Two versions of the program that run beside each other must agree. These were written down once and may not
// change.
TEST(Ring, IsTheSameInEveryVersion) {
  auto members = edges(10);
  std::string equal, weighted;
  for (int i = 0; i < 60; ++i) equal += static_cast<char>('0' + Ring(members).owner(hash_of(i)));
  for (unsigned i = 0; i < 10; ++i) members[i].weight = i + 1;
  for (int i = 0; i < 60; ++i) weighted += static_cast<char>('0' + Ring(members).owner(hash_of(i)));
  EXPECT_EQ(equal, "766596732931453081518354243695737658900951840818452791355401");
  EXPECT_EQ(weighted, "766596738988457384518354243699797658905951840888452799355407");
  EXPECT_EQ(Ring::hash_of("http://www.example.test/"), 16964444904499185263U);
}

TEST(Ring, ExtremesOfWeightAndNumber) {
  std::vector<RingMember> members = edges(2);
  members[1].weight = 1000;
  const Ring uneven(members);
  int small = 0;
  for (int i = 0; i < kKeys; ++i) small += owner_of(uneven, i) == "edge-1" ? 1 : 0;
  EXPECT_NEAR(small, kKeys / 1001.0, 60);
  const Ring one(edges(1));
  EXPECT_EQ(one.owner(7), 0);
  auto most = edges(Ring::kMostMembers);
  for (RingMember& member : most) member.weight = 1000;
  const Ring large(most);
  std::set<std::string> owners;
  for (int i = 0; i < 20'000; ++i) owners.insert(owner_of(large, i));
  EXPECT_EQ(owners.size(), Ring::kMostMembers);
}

TEST(Ring, LoadsStayWithinTheBound) {
  constexpr double kBound = 1.25;
  auto members = edges(10);
  members[3].weight = 3;
  const Ring ring(members);
  std::vector<std::uint32_t> running(10, 0);
  std::array<Ring::Index, 10> room;
  // Everybody asks for the same few keys, and nothing ends.
  for (int i = 0; i < 1200; ++i) {
    const auto choices = ring.order(hash_of(i % 3), room);
    const Ring::Index member = ring.pick(choices, running, kBound);
    ++running[member];
  }
  for (Ring::Index i = 0; i < 10; ++i) {
    const double share = members[i].weight / 12.0;
    EXPECT_LE(running[i], kBound * share * 1200 + 1) << i;
    EXPECT_LE(running[i], ring.load_limit(i, 1200, kBound));
  }
  // Without load the owner is picked, and with all choices over their limit too.
  const std::vector<std::uint32_t> none(10, 0);
  EXPECT_EQ(ring.pick(ring.order(hash_of(1), room), none, kBound), ring.owner(hash_of(1)));
  const auto first = ring.order(hash_of(1), std::span(room).first(1));
  std::vector<std::uint32_t> busy(10, 0);
  busy[first[0]] = 1000;
  EXPECT_EQ(ring.pick(first, busy, kBound), first[0]);
}

}  // namespace
}  // namespace meridian::wire
