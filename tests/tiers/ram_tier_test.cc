#include "edge/tiers/ram_tier.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "tests/contract/tier_objects.h"

namespace meridian {
namespace {

using test::is_whole;
using test::object_of;

constexpr std::uint64_t kMiB = 1U << 20U;

Ref<const Object> find(RamTier& tier, std::string_view key) { return tier.find(hash_of_key(key), key); }

TEST(RamTier, AHitIsTheVeryObject) {
  RamTier tier({.capacity_bytes = kMiB});
  const Ref<const Object> object = object_of("k", 1, 100);
  tier.put(object);
  EXPECT_EQ(find(tier, "k").get(), object.get());
}

TEST(RamTier, RefusesWhatIsLargerThanItsShare) {
  RamTier tier({.capacity_bytes = 10 * kMiB, .max_object_share = 0.1});
  EXPECT_EQ(tier.max_object_bytes(), kMiB);
  tier.put(object_of("fits", 1, kMiB - 10'000));
  tier.put(object_of("does not", 1, kMiB));
  EXPECT_TRUE(find(tier, "fits"));
  EXPECT_FALSE(find(tier, "does not"));
  EXPECT_EQ(tier.stats().rejections, 1U);
}

TEST(RamTier, HoldsAnObjectAsLargeAsItsShareWithManyShards) {
  RamTier tier({.capacity_bytes = 16 * kMiB, .max_object_share = 0.5, .shards = 64});
  tier.put(object_of("large", 1, 7 * kMiB));
  for (int i = 0; i < 50; ++i) tier.put(object_of("small " + std::to_string(i), 1, 1000));
  EXPECT_TRUE(find(tier, "large"));
}

TEST(RamTier, RemoveIfSparesAnotherObjectOfTheKey) {
  RamTier tier({.capacity_bytes = kMiB});
  const Ref<const Object> first = object_of("k", 1, 100);
  const Ref<const Object> second = object_of("k", 2, 100);
  tier.put(first);
  tier.put(second);
  EXPECT_FALSE(tier.remove_if(*first));
  EXPECT_EQ(find(tier, "k").get(), second.get());
  EXPECT_TRUE(tier.remove_if(*second));
  EXPECT_FALSE(find(tier, "k"));
  EXPECT_TRUE(tier.remove_if(*second)) << "no other is there";
  EXPECT_EQ(tier.stats().objects, 0U);
}

TEST(RamTier, ReplaceNeedsTheExpectedObject) {
  RamTier tier({.capacity_bytes = kMiB});
  const Ref<const Object> first = object_of("k", 1, 100);
  const Ref<const Object> second = object_of("k", 2, 5000);
  EXPECT_FALSE(tier.replace(*first, second)) << "nothing is there";
  tier.put(first);
  EXPECT_TRUE(tier.replace(*first, second));
  EXPECT_EQ(find(tier, "k").get(), second.get());
  EXPECT_FALSE(tier.replace(*first, object_of("k", 3, 10))) << "another has come";
  EXPECT_FALSE(tier.replace(*second, object_of("k", 3, kMiB))) << "too large";
  EXPECT_FALSE(tier.replace(*second, {}));
  EXPECT_EQ(find(tier, "k").get(), second.get());
}

TEST(RamTier, PutIfAbsentSparesWhatIsThere) {
  RamTier tier({.capacity_bytes = kMiB});
  EXPECT_FALSE(tier.put_if_absent(object_of("k", 1, 100), [] { return false; }));
  EXPECT_FALSE(tier.has(hash_of_key("k"), "k"));
  EXPECT_TRUE(tier.put_if_absent(object_of("k", 2, 100), [] { return true; }));
  EXPECT_TRUE(tier.has(hash_of_key("k"), "k"));
  EXPECT_FALSE(tier.put_if_absent(object_of("k", 3, 100), [] { return true; }));
  EXPECT_EQ(find(tier, "k")->meta().fill_seq, 2U);
  EXPECT_FALSE(tier.put_if_absent({}, [] { return true; }));
}

TEST(RamTier, PutIfAsksBeforeItChangesAnything) {
  RamTier tier({.capacity_bytes = kMiB});
  EXPECT_FALSE(tier.put_if(object_of("k", 1, 100), [] { return false; }));
  EXPECT_FALSE(find(tier, "k"));
  EXPECT_TRUE(tier.put_if(object_of("k", 2, 100), [] { return true; }));
  EXPECT_FALSE(tier.put_if(object_of("k", 3, 100), [] { return false; }));
  EXPECT_EQ(find(tier, "k")->meta().fill_seq, 2U);
  EXPECT_EQ(tier.stats().inserts, 1U);
}

TEST(RamTier, PutOfNothingIsCountedAsRefused) {
  RamTier tier({.capacity_bytes = kMiB});
  tier.put({});
  EXPECT_EQ(tier.stats().rejections, 1U);
}

TEST(RamTier, HandsOverWhatItEvictsAndNothingElse) {
  std::map<std::string, int> evicted;
  RamTier tier({.capacity_bytes = kMiB, .on_evict = [&](RamTier::Evicted left) {
                  EXPECT_TRUE(is_whole(*left.object, left.object->key()));
                  ++evicted[std::string(left.object->key())];
                }});
  tier.put(object_of("removed", 1, 100));
  tier.remove("removed");
  tier.put(object_of("replaced", 1, 100));
  tier.put(object_of("replaced", 2, 100));
  EXPECT_TRUE(evicted.empty());
  for (int i = 0; i < 2000; ++i) tier.put(object_of("key " + std::to_string(i), 1, 1000));
  EXPECT_EQ(evicted.size(), tier.stats().evictions);
  EXPECT_GT(evicted.size(), 1000U);
  for (const auto& [key, times] : evicted) {
    EXPECT_EQ(times, 1) << key;
    EXPECT_FALSE(find(tier, key)) << key;
  }
}

TEST(RamTier, AHandedOverObjectMayComeBackAtOnce) {
  // As a tier below would do on a lookup that runs meanwhile: the callback is outside all locks.
  RamTier* self = nullptr;
  int returned = 0;
  RamTier tier({.capacity_bytes = kMiB, .on_evict = [&](RamTier::Evicted left) {
                  if (++returned <= 10) self->put(std::move(left.object));
                }});
  self = &tier;
  for (int i = 0; i < 1000; ++i) tier.put(object_of("key " + std::to_string(i), 1, 2000));
  EXPECT_GT(returned, 10);
  EXPECT_LE(tier.stats().bytes, kMiB);
}

TEST(RamTier, WhatIsAskedForSurvivesAScan) {
  RamTier tier({.capacity_bytes = kMiB});
  for (int i = 0; i < 200; ++i) tier.put(object_of("popular " + std::to_string(i), 1, 1000));
  for (int i = 0; i < 200; ++i) find(tier, "popular " + std::to_string(i));
  for (int i = 0; i < 5000; ++i) tier.put(object_of("scan " + std::to_string(i), 1, 1000));
  int kept = 0;
  for (int i = 0; i < 200; ++i) kept += find(tier, "popular " + std::to_string(i)) ? 1 : 0;
  EXPECT_EQ(kept, 200);
}

TEST(RamTier, WhoComesBackSoonIsKeptLonger) {
  RamTier tier({.capacity_bytes = kMiB});
  const auto scan = [&](const std::string& name, int count) {
    for (int i = 0; i < count; ++i) tier.put(object_of(name + std::to_string(i), 1, 1000));
  };
  tier.put(object_of("twice", 1, 1000));
  scan("first ", 1000);
  ASSERT_FALSE(find(tier, "twice"));
  tier.put(object_of("twice", 2, 1000));
  tier.put(object_of("once", 1, 1000));
  scan("second ", 2000);
  EXPECT_TRUE(find(tier, "twice"));
  EXPECT_FALSE(find(tier, "once"));
}

TEST(RamTier, ASmallerCapacityHoldsAtOnce) {
  RamTier tier({.capacity_bytes = 16 * kMiB});
  for (int i = 0; i < 20'000; ++i) tier.put(object_of("key " + std::to_string(i), 1, 500));
  const std::uint64_t before = tier.stats().objects;
  tier.set_capacity(12 * kMiB);
  EXPECT_LE(tier.stats().bytes, 12 * kMiB);
  EXPECT_GT(tier.stats().bytes, 11 * kMiB);
  EXPECT_EQ(tier.stats().evictions, 20'000 - tier.stats().objects);
  EXPECT_LT(tier.stats().objects, before);
  EXPECT_EQ(tier.max_object_bytes(), static_cast<std::uint64_t>(1.2 * kMiB));
}

TEST(RamTier, AMuchSmallerCapacityIsNotEatenByTheOldIndex) {
  std::uint64_t handed_over = 0;
  RamTier tier({.capacity_bytes = 32 * kMiB, .shards = 8, .on_evict = [&](const RamTier::Evicted&) {
                  ++handed_over;
                }});
  for (int i = 0; i < 30'000; ++i) tier.put(object_of("key " + std::to_string(i), 1, 300, 20));
  tier.set_capacity(kMiB);
  const TierStats stats = tier.stats();
  EXPECT_LE(stats.bytes, kMiB);
  EXPECT_GT(stats.objects, 1500U) << "objects of about 500 bytes in 1 MiB";
  EXPECT_EQ(stats.objects + stats.evictions, 30'000U);
  EXPECT_EQ(handed_over, stats.evictions);
  std::uint64_t found = 0;
  for (int i = 0; i < 30'000; ++i) found += find(tier, "key " + std::to_string(i)) ? 1U : 0U;
  EXPECT_EQ(found, stats.objects);
  EXPECT_TRUE(find(tier, "key 29999")) << "the newest stay";
  tier.set_capacity(32 * kMiB);
  for (int i = 0; i < 30'000; ++i) tier.put(object_of("again " + std::to_string(i), 1, 300, 20));
  EXPECT_GT(tier.stats().objects, 25'000U);
}

TEST(RamTier, ACapacityBelowItsOwnNeedsStoresNothingAndLives) {
  RamTier tier({.capacity_bytes = 100, .max_object_share = 1e9});
  tier.put(object_of("k", 1, 10));
  EXPECT_FALSE(find(tier, "k"));
  EXPECT_EQ(tier.stats().objects, 0U);
}

// Random operations beside a model that knows the newest version of each key: the tier may have dropped a
// key, but what it gives is the model's, and its own sum of bytes is that of what it holds.
class RamTierModel : public ::testing::TestWithParam<unsigned> {};

TEST_P(RamTierModel, AgreesWithAModelAndCountsEveryByte) {
  const unsigned seed = GetParam();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  RamTier tier({.capacity_bytes = 2 * kMiB, .shards = 1U << below(5)});
  std::map<std::string, Ref<const Object>> model;
  const std::uint64_t empty_bytes = tier.stats().bytes;
  std::uint64_t version = 0;
  for (int step = 0; step < 6000; ++step) {
    const std::string key = "key " + std::to_string(below(600));
    const std::size_t size = below(20) == 0 ? below(150'000) : below(6000);
    const unsigned action = below(100);
    if (action < 45) {
      const auto found = find(tier, key);
      ASSERT_TRUE(!found || found.get() == model[key].get()) << key;
    } else if (action < 80) {
      tier.put(model[key] = object_of(key, ++version, size));
    } else if (action < 90) {
      Ref<const Object> next = object_of(key, ++version, size);
      const auto held = find(tier, key);
      if (held && tier.replace(*held, next)) model[key] = std::move(next);
    } else if (action < 95) {
      tier.remove(key);
      model.erase(key);
    } else if (action < 99) {
      if (model[key]) tier.remove_if(*model[key]);
      model.erase(key);
    } else {
      tier.set_capacity((1 + below(3)) * kMiB);
    }
    const TierStats stats = tier.stats();
    ASSERT_LE(stats.bytes, stats.capacity_bytes) << "step " << step;
  }
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
  for (const auto& [key, object] : model) {
    const auto found = find(tier, key);
    if (!found) continue;
    ASSERT_EQ(found.get(), object.get());
    ASSERT_TRUE(is_whole(*found, key));
    ++objects;
    bytes += found->footprint_bytes();
  }
  EXPECT_GT(objects, 50U);
  EXPECT_EQ(tier.stats().objects, objects);
  EXPECT_GE(tier.stats().bytes, empty_bytes + bytes);
  EXPECT_LE(tier.stats().bytes, empty_bytes + bytes + 128 * 1024) << "index and queues of some 600 objects";

  const std::uint64_t idle_bytes = tier.stats().bytes - bytes;
  for (const auto& [key, object] : model) tier.remove(key);
  EXPECT_EQ(tier.stats().objects, 0U);
  EXPECT_EQ(tier.stats().bytes, idle_bytes) << "every byte of the objects came back";
  for (const auto& [key, object] : model) {
    ASSERT_TRUE(!object || object->unique()) << "the tier has let go of " << key;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RamTierModel, ::testing::Range(1U, 9U));

}  // namespace
}  // namespace meridian
