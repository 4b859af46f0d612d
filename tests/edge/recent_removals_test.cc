#include "edge/recent_removals.h"

#include <gtest/gtest.h>

#include "edge/tiers/object.h"

namespace meridian::edge {
namespace {

TEST(RecentRemovals, CoversWhatIsNotYoungerThanTheRemoval) {
  RecentRemovals removals;
  removals.note(7, 100);
  EXPECT_TRUE(removals.covers(7, 99, false));
  EXPECT_TRUE(removals.covers(7, 100, false)) << "in the same second nobody knows which came first";
  EXPECT_FALSE(removals.covers(7, 101, false));
  EXPECT_FALSE(removals.covers(8, 50, false));
  removals.note(7, 200);
  EXPECT_TRUE(removals.covers(7, 150, false));
}

// What had to be forgotten makes everything as old doubtful, where the asker must be sure.
TEST(RecentRemovals, WhatIsForgottenIsAnsweredByItsTime) {
  RecentRemovals removals;
  for (std::uint64_t i = 0; i < RecentRemovals::kMost + 10; ++i)
    removals.note(1000 + i, static_cast<std::int64_t>(i));
  EXPECT_FALSE(removals.covers(1000, 0, false));
  EXPECT_TRUE(removals.covers(1000, 0, true));
  EXPECT_TRUE(removals.covers(99, 9, true)) << "perhaps it was one of the forgotten";
  EXPECT_FALSE(removals.covers(99, 10, true));
  EXPECT_TRUE(removals.covers(1010, 10, false));
}

TEST(RecentRemovals, AKeyRemovedAgainIsNotForgottenWithItsFirstTime) {
  RecentRemovals removals;
  removals.note(1, 5);
  for (std::uint64_t i = 0; i < RecentRemovals::kMost - 1; ++i) removals.note(1000 + i, 6);
  removals.note(1, 7);
  EXPECT_TRUE(removals.covers(1, 7, false));
}

TEST(RecentRemovals, VariantsAndPartsBelongToTheirPrimaryKey) {
  EXPECT_EQ(primary_hash_of("http://a.test/x"), hash_of_key("http://a.test/x"));
  EXPECT_EQ(primary_hash_of("http://a.test/x\naccept-language:de"), hash_of_key("http://a.test/x"));
  EXPECT_EQ(primary_hash_of("http://a.test/x\n\n206"), hash_of_key("http://a.test/x"));
}

}  // namespace
}  // namespace meridian::edge
