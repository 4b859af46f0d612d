#include "edge/tiers/ghost_queue.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace meridian {
namespace {

std::vector<std::uint64_t> hashes(std::size_t count) {
  std::mt19937_64 random(7);
  std::vector<std::uint64_t> all(count);
  for (std::uint64_t& hash : all) hash = random();
  return all;
}

TEST(GhostQueue, RemembersNothingWithoutALimit) {
  GhostQueue ghosts;
  ghosts.add(42);
  EXPECT_FALSE(ghosts.take(42));
  EXPECT_EQ(ghosts.footprint_bytes(), 0U);
}

TEST(GhostQueue, ForgetsWhoWasAskedFor) {
  GhostQueue ghosts;
  ghosts.set_limit(10);
  ghosts.add(42);
  EXPECT_TRUE(ghosts.take(42));
  EXPECT_FALSE(ghosts.take(42));
}

TEST(GhostQueue, RemembersAboutAsManyAsItsLimitAndTheNewest) {
  constexpr std::size_t kLimit = 10'000;
  const auto all = hashes(5 * kLimit);
  GhostQueue ghosts;
  ghosts.set_limit(kLimit);
  for (const std::uint64_t hash : all) ghosts.add(hash);
  std::size_t old = 0;
  std::size_t recent = 0;
  std::size_t total = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool found = ghosts.take(all[i]);
    total += found;
    if (i < all.size() - 2 * kLimit) old += found;
    if (i >= all.size() - kLimit / 2) recent += found;
  }
  EXPECT_GT(recent, kLimit / 2 * 98 / 100);
  EXPECT_LT(old, kLimit / 50);
  EXPECT_GT(total, kLimit * 90 / 100);
  EXPECT_LT(total, kLimit * 110 / 100);
  EXPECT_LE(ghosts.footprint_bytes(), 4 * kLimit);
}

TEST(GhostQueue, KeepsItsMemoriesWhenItGrows) {
  const auto all = hashes(1000);
  GhostQueue ghosts;
  ghosts.set_limit(1500);
  for (const std::uint64_t hash : all) ghosts.add(hash);
  ghosts.set_limit(40'000);
  std::size_t found = 0;
  for (const std::uint64_t hash : all) found += ghosts.take(hash);
  EXPECT_GT(found, 950U) << "a few buckets overflow before the others are full";
}

TEST(GhostQueue, RarelyTakesAStrangerForAGhost) {
  const auto all = hashes(120'000);
  GhostQueue ghosts;
  ghosts.set_limit(20'000);
  for (std::size_t i = 0; i < 20'000; ++i) ghosts.add(all[i]);
  std::size_t mistaken = 0;
  for (std::size_t i = 20'000; i < all.size(); ++i) mistaken += ghosts.take(all[i]);
  EXPECT_LT(mistaken, 150U) << "of 100000; 32 ways of 16 bits make about 50";
}

}  // namespace
}  // namespace meridian
