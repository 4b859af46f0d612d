#include "edge/soon_again.h"

#include <gtest/gtest.h>

namespace meridian::edge {
namespace {

constexpr std::uint64_t kWindow = 1000;
constexpr std::uint64_t kKey = 0x123456789abcdef0;

TEST(SoonAgain, TellsAtTheSecondHitWithinTheWindow) {
  SoonAgain seen;
  EXPECT_FALSE(seen.hit(kKey, 100, kWindow));
  EXPECT_FALSE(seen.hit(kKey + 1, 1000, kWindow));
  EXPECT_TRUE(seen.hit(kKey, 100, kWindow));
}

TEST(SoonAgain, ForgetsWhatCameLongerAgoAndCountsFromTheLastHit) {
  SoonAgain seen;
  EXPECT_FALSE(seen.hit(kKey, 100, kWindow));
  EXPECT_FALSE(seen.hit(kKey + 1, 1001, kWindow));
  EXPECT_FALSE(seen.hit(kKey, 100, kWindow));
  EXPECT_TRUE(seen.hit(kKey, 100, kWindow));
}

TEST(SoonAgain, BeginsAnewAfterItHasTold) {
  SoonAgain seen;
  EXPECT_FALSE(seen.hit(kKey, 1, kWindow));
  EXPECT_TRUE(seen.hit(kKey, 1, kWindow));
  EXPECT_FALSE(seen.hit(kKey, 1, kWindow));
  EXPECT_TRUE(seen.hit(kKey, 1, kWindow));
}

TEST(SoonAgain, TellsKeysOfOneSlotApart) {
  SoonAgain seen;
  const std::uint64_t neighbour = kKey ^ (std::uint64_t{1} << 40U);
  EXPECT_FALSE(seen.hit(kKey, 1, kWindow));
  EXPECT_FALSE(seen.hit(neighbour, 1, kWindow));
  EXPECT_FALSE(seen.hit(kKey, 1, kWindow));
}

}  // namespace
}  // namespace meridian::edge
