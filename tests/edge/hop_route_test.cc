#include "edge/hop_route.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace meridian::edge {
namespace {

using wire::HopRole;

// Regions of edges as one of them sees it: edges are numbered through, the asking one left out.
class World {
 public:
  // Edge `self` of region `region` looks; -1: it is none of them.
  World(std::vector<int> shape, int region, int self) {
    std::uint16_t number = 0;
    for (std::size_t r = 0; r < shape.size(); ++r) {
      std::vector<wire::RingMember> members;
      for (int e = 0; e < shape[r]; ++e)
        members.push_back({"r" + std::to_string(r) + "e" + std::to_string(e), 1});
      RegionRing made{"r" + std::to_string(r), wire::Ring(members), {}, {}};
      for (int e = 0; e < shape[r]; ++e) {
        const bool is_self = static_cast<int>(r) == region && e == self;
        if (is_self) made.self = static_cast<wire::Ring::Index>(e);
        made.edges.push_back(is_self ? RegionRing::kSelf : number++);
      }
      regions.push_back(std::move(made));
    }
  }

  HopRoute route(std::uint64_t hash, HopRole came, const RegionRing* own, const RegionRing* shield,
                 unsigned choices = 2) {
    RouteQuestion question;
    question.hash = hash;
    question.came = came;
    question.own = own;
    question.shield = shield;
    question.choices = choices;
    question.load_least = load_least;
    return choose_route(question, [this](std::uint16_t edge) { return states[edge]; });
  }
  // The number of the edge at this place of the key's order; kSelf for the one that looks.
  std::uint16_t choice(const RegionRing& region, std::uint64_t hash, std::size_t place) {
    std::array<wire::Ring::Index, 8> room;
    return region.edges[region.ring.order(hash, room)[place]];
  }
  // Some key for which the one that looks stands at this place.
  std::uint64_t key_with_self_at(const RegionRing& region, std::size_t place) {
    std::uint64_t hash = 0;
    while (choice(region, wire::Ring::hash_of(std::to_string(hash)), place) != RegionRing::kSelf) ++hash;
    return wire::Ring::hash_of(std::to_string(hash));
  }

  std::vector<RegionRing> regions;
  std::map<std::uint16_t, EdgeState> states;
  std::uint32_t load_least = 0;
};

std::vector<HopStep> steps_of(const HopRoute& route) { return {route.view().begin(), route.view().end()}; }

TEST(HopRoute, AnEdgeAloneAsksTheOrigin) {
  World world({1}, 0, 0);
  EXPECT_EQ(world.route(5, HopRole::kNone, nullptr, nullptr).size, 0U);
  EXPECT_EQ(world.route(5, HopRole::kNone, &world.regions[0], nullptr).size, 0U);
}

TEST(HopRoute, TheOwnerAndTheNextChoiceAreAskedInOrder) {
  World world({5}, 0, 4);
  const RegionRing& own = world.regions[0];
  const std::uint64_t hash = world.key_with_self_at(own, 3);
  const std::vector<HopStep> wanted = {{HopRole::kPeer, world.choice(own, hash, 0)},
                                       {HopRole::kPeer, world.choice(own, hash, 1)}};
  EXPECT_EQ(steps_of(world.route(hash, HopRole::kNone, &own, nullptr)), wanted);
}

TEST(HopRoute, NobodyBehindItselfIsAsked) {
  World world({5}, 0, 4);
  const RegionRing& own = world.regions[0];
  EXPECT_EQ(world.route(world.key_with_self_at(own, 0), HopRole::kNone, &own, nullptr).size, 0U);
  const std::uint64_t second = world.key_with_self_at(own, 1);
  const std::vector<HopStep> wanted = {{HopRole::kPeer, world.choice(own, second, 0)}};
  EXPECT_EQ(steps_of(world.route(second, HopRole::kNone, &own, nullptr, 4)), wanted);
}

TEST(HopRoute, TheShieldComesBehindTheRegion) {
  World world({3, 3}, 0, 0);
  const std::uint64_t hash = world.key_with_self_at(world.regions[0], 2);
  const auto steps = steps_of(world.route(hash, HopRole::kNone, &world.regions[0], &world.regions[1]));
  ASSERT_EQ(steps.size(), 4U);
  EXPECT_EQ(steps[1].role, HopRole::kPeer);
  EXPECT_EQ(steps[2], (HopStep{HopRole::kShield, world.choice(world.regions[1], hash, 0)}));
  EXPECT_EQ(steps[3], (HopStep{HopRole::kShield, world.choice(world.regions[1], hash, 1)}));
}

// As what it was asked decides how far it may go on, whatever lists it has.
TEST(HopRoute, WhoWasAskedAsOneThingAsksOnlyAsALaterOne) {
  World world({3, 3}, 0, 0);
  const RegionRing& own = world.regions[0];
  const std::uint64_t hash = world.key_with_self_at(own, 2);
  for (const HopRole came : {HopRole::kNone, HopRole::kPeer, HopRole::kShield, HopRole::kShieldPeer}) {
    for (const RegionRing* shield :
         {static_cast<const RegionRing*>(nullptr), &std::as_const(world.regions[1])}) {
      for (const HopStep& step : steps_of(world.route(hash, came, &own, shield)))
        EXPECT_TRUE(wire::may_follow(came, step.role));
    }
  }
  EXPECT_EQ(steps_of(world.route(hash, HopRole::kPeer, &own, nullptr)), std::vector<HopStep>());
  const auto of_shield = steps_of(world.route(hash, HopRole::kShield, &own, nullptr));
  ASSERT_EQ(of_shield.size(), 2U);
  EXPECT_EQ(of_shield[0], (HopStep{HopRole::kShieldPeer, world.choice(own, hash, 0)}));
  EXPECT_EQ(world.route(hash, HopRole::kShieldPeer, &own, &world.regions[1]).size, 0U);
}

TEST(HopRoute, ABrokenEdgeIsPassedOver) {
  World world({4, 2}, 0, 0);
  const RegionRing& own = world.regions[0];
  const std::uint64_t hash = world.key_with_self_at(own, 3);
  world.states[world.choice(own, hash, 0)].usable = false;
  HopRoute route = world.route(hash, HopRole::kNone, &own, nullptr);
  EXPECT_EQ(steps_of(route), (std::vector<HopStep>{{HopRole::kPeer, world.choice(own, hash, 1)}}));
  EXPECT_EQ(route.broken, 1U);
  for (std::uint16_t edge = 0; edge < 5; ++edge) world.states[edge].usable = false;
  EXPECT_EQ(world.route(hash, HopRole::kNone, &own, &world.regions[1]).size, 0U)
      << "the origin is always left";
}

TEST(HopRoute, AnEdgeWithTooMuchRunningIsPassedOver) {
  World world({4}, 0, 0);
  const RegionRing& own = world.regions[0];
  const std::uint64_t hash = world.key_with_self_at(own, 3);
  const std::uint16_t first = world.choice(own, hash, 0), second = world.choice(own, hash, 1);
  world.states[first].running = 90;
  world.states[second].running = 10;
  HopRoute route = world.route(hash, HopRole::kNone, &own, nullptr);
  EXPECT_EQ(steps_of(route), (std::vector<HopStep>{{HopRole::kPeer, second}}));
  EXPECT_EQ(route.loaded, 1U);
  world.load_least = 91;
  EXPECT_EQ(world.route(hash, HopRole::kNone, &own, nullptr).view().front(), (HopStep{HopRole::kPeer, first}))
      << "a few are no load";
}

TEST(HopRoute, WhenAllHaveTooMuchTheOwnerIsAskedUnlessThisIsTheNext) {
  World world({3}, 0, 0);
  const RegionRing& own = world.regions[0];
  const std::uint64_t last = world.key_with_self_at(own, 2);
  for (std::uint16_t edge = 0; edge < 2; ++edge) world.states[edge].running = 100;
  EXPECT_EQ(steps_of(world.route(last, HopRole::kNone, &own, nullptr)),
            (std::vector<HopStep>{{HopRole::kPeer, world.choice(own, last, 0)}}));
  const std::uint64_t second = world.key_with_self_at(own, 1);
  EXPECT_EQ(world.route(second, HopRole::kNone, &own, nullptr).size, 0U);
}

// Two lists in one region, as while a change is rolled out: no way comes back to where it has been.
TEST(HopRoute, DifferentListsMakeNoLoop) {
  World a({3}, 0, 0), b({4}, 0, 1);
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t hash = wire::Ring::hash_of(std::to_string(i));
    for (const HopStep& step : steps_of(a.route(hash, HopRole::kNone, &a.regions[0], nullptr)))
      EXPECT_EQ(b.route(hash, step.role, &b.regions[0], nullptr).size, 0U);
  }
}

}  // namespace
}  // namespace meridian::edge
