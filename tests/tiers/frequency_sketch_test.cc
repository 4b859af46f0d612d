#include "edge/tiers/frequency_sketch.h"

#include <gtest/gtest.h>

#include <random>
#include <unordered_map>
#include <vector>

namespace meridian {
namespace {

TEST(FrequencySketch, KnowsNothingWithoutALimit) {
  FrequencySketch sketch;
  sketch.add(1);
  EXPECT_EQ(sketch.estimate(1), 0U);
  EXPECT_EQ(sketch.footprint_bytes(), 0U);
}

TEST(FrequencySketch, CountsUpToItsMost) {
  FrequencySketch sketch;
  sketch.set_limit(1000);
  for (unsigned times = 1; times <= 20; ++times) {
    sketch.add(42);
    EXPECT_EQ(sketch.estimate(42), std::min(times, FrequencySketch::kMax));
  }
  sketch.add(43, 7);
  EXPECT_EQ(sketch.estimate(43), 7U);
}

TEST(FrequencySketch, TakesFourToEightBytesForEachObject) {
  FrequencySketch sketch;
  for (std::size_t objects = 16; objects <= 1U << 20U; objects = objects * 3 / 2) {
    sketch.set_limit(objects);
    EXPECT_GE(sketch.footprint_bytes(), 4 * objects);
    EXPECT_LE(sketch.footprint_bytes(), 8 * objects);
  }
}

TEST(FrequencySketch, NeverCountsLessBeforeItAgesAndSeldomMore) {
  constexpr std::size_t kObjects = 4096;
  FrequencySketch sketch;
  sketch.set_limit(kObjects);
  std::mt19937_64 random(7);
  std::vector<std::uint64_t> keys(kObjects);
  for (std::uint64_t& key : keys) key = random();
  std::unordered_map<std::uint64_t, unsigned> real;
  // One addition fewer than what makes the first block age.
  for (std::size_t i = 0; i < FrequencySketch::kWindow * 16 - 1; ++i) {
    const std::uint64_t key = keys[random() % kObjects];
    sketch.add(key);
    ++real[key];
  }
  std::size_t too_high = 0;
  for (const std::uint64_t key : keys) {
    EXPECT_GE(sketch.estimate(key), real[key]);
    too_high += sketch.estimate(key) > real[key] ? 1U : 0U;
  }
  EXPECT_LT(too_high, kObjects / 100);
}

TEST(FrequencySketch, TellsRareFromFrequentUnderLoad) {
  constexpr std::size_t kObjects = 10'000;
  FrequencySketch sketch;
  sketch.set_limit(kObjects);
  std::mt19937_64 random(11);
  std::vector<std::uint64_t> frequent(kObjects / 10);
  for (std::uint64_t& key : frequent) key = random();
  for (std::size_t i = 0; i < 20 * kObjects; ++i) {
    sketch.add(random() % 2 == 0 ? frequent[random() % frequent.size()] : random());
  }
  double frequent_sum = 0, rare_sum = 0;
  for (const std::uint64_t key : frequent) {
    frequent_sum += sketch.estimate(key);
    rare_sum += sketch.estimate(random());
  }
  EXPECT_GT(frequent_sum, 5 * rare_sum);
}

TEST(FrequencySketch, ForgetsWhatIsNoLongerAskedFor) {
  constexpr std::size_t kObjects = 1024;
  FrequencySketch sketch;
  sketch.set_limit(kObjects);
  std::mt19937_64 random(3);
  const std::uint64_t old = random();
  sketch.add(old, 8);
  for (std::size_t i = 0; i < 4 * FrequencySketch::kWindow * kObjects; ++i) sketch.add(random() % 64);
  EXPECT_LE(sketch.estimate(old), 1U);
}

TEST(FrequencySketch, GrowingKeepsTheCounts) {
  FrequencySketch sketch;
  sketch.set_limit(16);
  sketch.add(77, 5);
  sketch.set_limit(10'000);
  EXPECT_EQ(sketch.estimate(77), 5U);
}

}  // namespace
}  // namespace meridian
