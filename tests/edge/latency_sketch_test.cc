#include "edge/latency_sketch.h"

#include <gtest/gtest.h>

namespace meridian::edge {
namespace {

TEST(LatencySketch, SaysNothingWhileItKnowsLittle) {
  LatencySketch sketch;
  for (std::uint32_t i = 0; i + 1 < LatencySketch::kLeastSamples; ++i) sketch.add(1000);
  EXPECT_FALSE(sketch.percentile_us(0.5));
  sketch.add(1000);
  EXPECT_TRUE(sketch.percentile_us(0.5));
}

TEST(LatencySketch, IsWithinAQuarter) {
  for (const std::int64_t took_us : {70, 100, 999, 1000, 12'345, 1'000'000, 30'000'000}) {
    LatencySketch sketch;
    for (int i = 0; i < 100; ++i) sketch.add(took_us);
    const auto said = sketch.percentile_us(0.95);
    ASSERT_TRUE(said);
    EXPECT_GE(*said, took_us);
    EXPECT_LE(*said, took_us + took_us / 4 + 1);
  }
}

TEST(LatencySketch, TheExtremesAreKept) {
  LatencySketch sketch;
  for (int i = 0; i < 50; ++i) sketch.add(-5), sketch.add(INT64_MAX);
  EXPECT_LE(*sketch.percentile_us(0.4), 64);
  EXPECT_GE(*sketch.percentile_us(0.9), 50'000'000);
}

TEST(LatencySketch, AShareIsAShare) {
  LatencySketch sketch;
  for (int i = 0; i < 90; ++i) sketch.add(1000);
  for (int i = 0; i < 10; ++i) sketch.add(100'000);
  EXPECT_LT(*sketch.percentile_us(0.90), 1300);
  EXPECT_GT(*sketch.percentile_us(0.95), 100'000);
}

TEST(LatencySketch, WhatWasLongAgoFades) {
  LatencySketch sketch;
  for (int i = 0; i < 2000; ++i) sketch.add(100'000);
  for (int i = 0; i < 20'000; ++i) sketch.add(1000);
  EXPECT_LT(*sketch.percentile_us(0.95), 1300);
}

}  // namespace
}  // namespace meridian::edge
