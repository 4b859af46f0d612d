#include "edge/tiers/miss_ratio_curve.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "bench/replay/classics.h"
#include "bench/replay/generators.h"
#include "bench/replay/object_hash.h"
#include "tests/replay/traces.h"

namespace meridian::replay {
namespace {

constexpr std::size_t kPlenty = 4U << 20U;

double exact_lru(const Trace& trace, std::uint64_t capacity) {
  const Rules rules{.warm_up_share = 0, .max_object_bytes = capacity};
  return 1 - simulate(trace, *make_lru(trace.object_bytes, capacity), rules).hits;
}

// The mean of the differences between the curve and real LRU caches of many sizes.
double mean_error(const Trace& trace, MissRatioCurve& curve) {
  std::vector<std::uint64_t> sizes;
  for (double share = 0.002; share < 1; share *= 1.6) {
    sizes.push_back(static_cast<std::uint64_t>(share * static_cast<double>(trace.footprint_bytes())));
  }
  const MissRatioCurve::Curve found = curve.at(sizes);
  EXPECT_EQ(found.points.size(), sizes.size());
  double sum = 0;
  double before = 1;
  for (const MissRatioCurve::Point& point : found.points) {
    sum += std::abs(point.miss_ratio - exact_lru(trace, point.bytes));
    EXPECT_LE(point.miss_ratio, before + 1e-9) << "more memory never misses more";
    before = point.miss_ratio;
  }
  return sum / static_cast<double>(sizes.size());
}

void record(MissRatioSampler& sampler, std::uint64_t hash, std::uint64_t bytes) {
  if (sampler.wants(hash)) sampler.take(hash, bytes);
}

void play(const Trace& trace, MissRatioCurve& curve) {
  MissRatioSampler sampler(curve);
  for (const Request& request : trace.requests) {
    record(sampler, hash_of(request.id), trace.object_bytes[request.id]);
  }
}

const Mix& mix_of(std::string_view name) {
  for (const Mix& mix : mixes()) {
    if (mix.name == name) return mix;
  }
  std::abort();
}

TEST(MissRatioCurve, IsExactWhenAllKeysAreSampled) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Trace trace = generate(mix_of("zipf-1.0"), 2000, 50'000, seed);
    MissRatioCurve curve(kPlenty);
    play(trace, curve);
    EXPECT_EQ(curve.at({}).rate, 1);
    EXPECT_LT(mean_error(trace, curve), 0.01) << "steps of a twelfth, and a batch that is not in yet";
  }
}

TEST(MissRatioCurve, FollowsRealCachesFromAFewSamples) {
  for (const Mix& mix : mixes()) {
    const Trace trace = generate(mix, 50'000, 400'000, 11);
    MissRatioCurve curve(256U << 10U);  // 0.1 % of 256 MiB
    play(trace, curve);
    const MissRatioCurve::Curve now = curve.at({});
    EXPECT_LT(now.rate, 0.2);
    EXPECT_LE(now.samples, 4096U);
    EXPECT_NEAR(now.requests, 400'000, 2000);
    EXPECT_LT(mean_error(trace, curve), 0.03) << mix.name;
  }
}

TEST(MissRatioCurve, TakesNoMoreMemoryThanItMay) {
  for (std::size_t memory = 1000; memory < 4'000'000; memory = memory * 3 / 2) {
    const MissRatioCurve curve(memory);
    const bool samples = curve.at({}).rate > 0;
    EXPECT_TRUE(!samples || curve.footprint_bytes() <= memory) << memory;
    EXPECT_TRUE(samples || memory < 32'000) << memory;
  }
}

TEST(MissRatioCurve, WithTooLittleMemoryItSamplesNothing) {
  MissRatioCurve curve(1000);
  MissRatioSampler sampler(curve);
  for (std::uint64_t i = 0; i < 10'000; ++i) record(sampler, i, 100);
  const std::uint64_t size = 1000;
  EXPECT_TRUE(curve.at({&size, 1}).points.empty());
  EXPECT_EQ(curve.at({}).rate, 0);
}

TEST(MissRatioCurve, ForgetsWhatWasLongAgo) {
  MissRatioCurve curve(64U << 10U);
  const Cache::Sizes sizes(1000, 1000);
  const std::uint64_t size = 500'000;
  MissRatioSampler sampler(curve);
  // Round and round: with half of the room nothing is found.
  for (ObjectId i = 0; i < 200'000; ++i) record(sampler, hash_of(i % 1000), 1000);
  EXPECT_GT(curve.at({&size, 1}).points.at(0).miss_ratio, 0.9);
  for (ObjectId i = 0; i < 3'000'000; ++i) record(sampler, hash_of(i % 400), 1000);
  EXPECT_LT(curve.at({&size, 1}).points.at(0).miss_ratio, 0.1);
}

TEST(MissRatioCurve, TakesSamplesFromManyThreads) {
  MissRatioCurve curve(kPlenty);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      MissRatioSampler sampler(curve);
      for (ObjectId i = 0; i < 40'000; ++i) record(sampler, hash_of((i * 7 + t) % 500), 100);
    });
  }
  const std::uint64_t size = 1'000'000;
  for (int i = 0; i < 100; ++i) curve.at({&size, 1});
  for (std::thread& thread : threads) thread.join();
  const MissRatioCurve::Curve now = curve.at({&size, 1});
  EXPECT_NEAR(now.requests, 160'000, 100);
  EXPECT_LT(now.points.at(0).miss_ratio, 0.01);
}

}  // namespace
}  // namespace meridian::replay
