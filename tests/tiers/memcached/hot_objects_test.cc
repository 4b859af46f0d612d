#include "edge/tiers/memcached/hot_objects.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <thread>
#include <vector>

#include "lib/base/hash.h"

namespace meridian::memcached {
namespace {

std::uint64_t hash_of(unsigned i) { return hash_bytes("object " + std::to_string(i)); }

TEST(HotObjects, AnObjectIsWrittenOnceAfterItsHits) {
  HotObjects hot(1000, 3);
  EXPECT_FALSE(hot.on_store(hash_of(1), 100));
  EXPECT_FALSE(hot.on_hit(hash_of(1), 100));
  EXPECT_FALSE(hot.on_hit(hash_of(1), 100));
  EXPECT_TRUE(hot.on_hit(hash_of(1), 100));
  for (int i = 0; i < 100'000; ++i) EXPECT_FALSE(hot.on_hit(hash_of(1), 100));
}

TEST(HotObjects, ANewVersionIsWrittenAgain) {
  HotObjects hot(1000, 1);
  EXPECT_TRUE(hot.on_hit(hash_of(1), 100));
  EXPECT_FALSE(hot.on_store(hash_of(1), 100));
  EXPECT_TRUE(hot.on_hit(hash_of(1), 100));
}

TEST(HotObjects, LargeOnesAreNeverWritten) {
  HotObjects hot(1000, 1), at_once(1000, 0);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(hot.on_hit(hash_of(1), 1001));
  EXPECT_FALSE(at_once.on_store(hash_of(1), 1001));
  EXPECT_TRUE(hot.on_hit(hash_of(1), 1000));
}

TEST(HotObjects, WithoutHitsEverySmallOneIsWrittenWhenItIsStored) {
  HotObjects hot(1000, 0);
  for (unsigned i = 0; i < 100; ++i) {
    EXPECT_TRUE(hot.on_store(hash_of(i), 1000));
    EXPECT_FALSE(hot.on_hit(hash_of(i), 1000));
    EXPECT_TRUE(hot.on_store(hash_of(i), 1000));
  }
}

TEST(HotObjects, WhatCameFromMemcachedDoesNotGoThereAgain) {
  HotObjects hot(1000, 1);
  hot.on_found(hash_of(1));
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(hot.on_hit(hash_of(1), 100));
}

// A million objects that are hit once each do not push out the few that are hit all the time.
TEST(HotObjects, TheHotOnesAreWrittenOnceAmongManyThatAreNot) {
  HotObjects hot(1000, 2);
  std::map<unsigned, unsigned> written;
  for (unsigned i = 0; i < 1'000'000; ++i) {
    hot.on_hit(hash_of(1000 + i), 100);
    const unsigned popular = i % 50;
    if (hot.on_hit(hash_of(popular), 100)) ++written[popular];
  }
  EXPECT_EQ(written.size(), 50U);
  for (const auto& [object, times] : written) EXPECT_LE(times, 2U) << object;
}

TEST(HotObjects, ThreadsMayShareIt) {
  HotObjects hot(1000, 2);
  std::atomic<unsigned> written{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (unsigned i = 0; i < 20'000; ++i) written += hot.on_hit(hash_of(i % 100), 100) ? 1U : 0U;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(written, 100U);
  EXPECT_LE(written, 400U);
}

TEST(HotObjects, KnowsWhatIsShared) {
  HotObjects hot(1000, 2), at_once(1000, 0);
  EXPECT_FALSE(hot.is_shared(1, 10));
  hot.on_hit(1, 10);
  EXPECT_FALSE(hot.is_shared(1, 10)) << "not yet";
  hot.on_hit(1, 10);
  EXPECT_TRUE(hot.is_shared(1, 10));
  EXPECT_FALSE(hot.is_shared(1, 2000)) << "this version is too large";
  hot.on_store(1, 10);
  EXPECT_FALSE(hot.is_shared(1, 10)) << "a new version has to earn it anew";
  hot.on_found(2);
  EXPECT_TRUE(hot.is_shared(2, 10));
  EXPECT_TRUE(at_once.is_shared(3, 10));
}

}  // namespace
}  // namespace meridian::memcached
