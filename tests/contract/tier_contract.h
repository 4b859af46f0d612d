#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "edge/tiers/tier.h"
#include "tests/contract/tier_objects.h"

// What every tier promises (edge/tiers/tier.h). A tier's test gives a harness and instantiates the suite:
//   struct MyHarness {
//     static constexpr std::uint64_t kCapacity = ...;  // at least 4 MiB, takes objects of up to kCapacity /
//     16 MyHarness();                                     // an empty tier of that capacity Tier& tier();
//     void settle();                    // returns when everything asked of the tier has happened
//     std::unique_ptr<Tier> release();  // hands the tier over, to be destroyed
//   };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Mine, TierContract, ::testing::Types<MyHarness>);
namespace meridian {

template <class Harness>
class TierContract : public ::testing::Test {
 protected:
  Tier& tier() { return harness_.tier(); }

  Ref<const Object> get(std::string_view key) {
    int calls = 0;
    Ref<const Object> found;
    tier().get(key, [&](Ref<const Object> object) {
      ++calls;
      found = std::move(object);
    });
    harness_.settle();
    EXPECT_EQ(calls, 1) << "get() calls back exactly once";
    EXPECT_TRUE(!found || test::is_whole(*found, key)) << key;
    return found;
  }
  std::uint64_t version_of(std::string_view key) {
    const auto found = get(key);
    return found ? found->meta().fill_seq : 0;
  }
  void put(std::string_view key, std::uint64_t version, std::size_t body_bytes) {
    tier().put(test::object_of(key, version, body_bytes));
    harness_.settle();
  }
  void remove(std::string_view key) {
    tier().remove(key);
    harness_.settle();
  }

  Harness harness_;
};

TYPED_TEST_SUITE_P(TierContract);

TYPED_TEST_P(TierContract, GivesWhatWasPutWholeAndOnlyThat) {
  EXPECT_FALSE(this->get("http://a.test/x"));
  this->put("http://a.test/x", 1, 1000);
  const auto found = this->get("http://a.test/x");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->body_size(), 1000U);
  EXPECT_EQ(found->head().size(), 120U);
  EXPECT_FALSE(this->get("http://a.test/"));
  EXPECT_FALSE(this->get("http://a.test/x/"));
}

TYPED_TEST_P(TierContract, KeepsBodiesOfEverySize) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4095}, Object::kInlineBody - 1,
                                 Object::kInlineBody, Object::kInlineBody + 1, std::size_t{200'000}}) {
    const std::string key = "size " + std::to_string(size);
    this->put(key, 1, size);
    const auto found = this->get(key);
    ASSERT_TRUE(found) << size;
    EXPECT_EQ(found->body_size(), size);
  }
}

TYPED_TEST_P(TierContract, TakesKeysOfAnyBytes) {
  using namespace std::string_view_literals;
  const std::string long_key(8000, 'k');
  const std::string_view keys[] = {"a"sv, "a\0b"sv, "a\0c"sv, "\xff\xfe\n\t "sv, "a\0"sv, ""sv, long_key};
  std::uint64_t version = 0;
  for (const std::string_view key : keys) this->put(key, ++version, 100);
  version = 0;
  for (const std::string_view key : keys) EXPECT_EQ(this->version_of(key), ++version);
}

TYPED_TEST_P(TierContract, PutReplaces) {
  this->put("key", 1, 5000);
  this->put("key", 2, 70);
  EXPECT_EQ(this->version_of("key"), 2U);
  this->put("key", 3, 90'000);
  EXPECT_EQ(this->version_of("key"), 3U);
  EXPECT_EQ(this->tier().stats().objects, 1U);
}

TYPED_TEST_P(TierContract, ARefusedPutLeavesNothingOlderBehind) {
  this->put("key", 1, 100);
  this->put("key", 2, TypeParam::kCapacity + 1);
  EXPECT_FALSE(this->get("key"));
  EXPECT_EQ(this->tier().stats().rejections, 1U);
  EXPECT_EQ(this->tier().stats().objects, 0U);
}

TYPED_TEST_P(TierContract, RemoveForgets) {
  this->put("one", 1, 100);
  this->put("two", 1, 100);
  this->remove("one");
  this->remove("never there");
  EXPECT_FALSE(this->get("one"));
  EXPECT_TRUE(this->get("two"));
  EXPECT_EQ(this->tier().stats().objects, 1U);
  this->put("one", 2, 100);
  EXPECT_EQ(this->version_of("one"), 2U);
}

TYPED_TEST_P(TierContract, StaysWithinItsCapacity) {
  std::uint64_t put_bytes = 0;
  std::uint64_t puts = 0;
  while (put_bytes < 3 * TypeParam::kCapacity) {
    const std::size_t size = puts % 7 == 0 ? TypeParam::kCapacity / 20 : 3000 * (puts % 5);
    this->put("key " + std::to_string(puts), 1, size);
    put_bytes += size;
    ++puts;
    const TierStats stats = this->tier().stats();
    ASSERT_LE(stats.bytes, stats.capacity_bytes) << "after put " << puts;
  }
  const TierStats stats = this->tier().stats();
  EXPECT_GT(stats.evictions, 0U);
  EXPECT_GT(stats.bytes, TypeParam::kCapacity / 2) << "it evicts no more than it must";
  std::uint64_t found = 0;
  for (std::uint64_t i = 0; i < puts; ++i) found += this->get("key " + std::to_string(i)) ? 1U : 0U;
  EXPECT_LE(found, stats.objects);
  EXPECT_GE(found, stats.objects - stats.objects / 20) << "of the oldest, a part may be gone already";
}

TYPED_TEST_P(TierContract, CountsWhatHappens) {
  this->put("a", 1, 10);
  this->get("a");
  this->get("a");
  this->get("b");
  const TierStats stats = this->tier().stats();
  EXPECT_EQ(stats.inserts, 1U);
  EXPECT_EQ(stats.hits, 2U);
  EXPECT_EQ(stats.misses, 1U);
  EXPECT_EQ(stats.evictions, 0U);
  EXPECT_EQ(stats.rejections, 0U);
  EXPECT_EQ(stats.capacity_bytes, TypeParam::kCapacity);
}

TYPED_TEST_P(TierContract, WhatItGaveOutlivesIt) {
  this->put("small", 1, 1000);
  this->put("large", 1, 100'000);
  const auto small = this->get("small");
  const auto large = this->get("large");
  ASSERT_TRUE(small && large);
  this->remove("small");
  this->harness_.release().reset();
  EXPECT_TRUE(test::is_whole(*small, "small"));
  EXPECT_TRUE(test::is_whole(*large, "large"));
}

REGISTER_TYPED_TEST_SUITE_P(TierContract, GivesWhatWasPutWholeAndOnlyThat, KeepsBodiesOfEverySize,
                            TakesKeysOfAnyBytes, PutReplaces, ARefusedPutLeavesNothingOlderBehind,
                            RemoveForgets, StaysWithinItsCapacity, CountsWhatHappens, WhatItGaveOutlivesIt);

}  // namespace meridian
