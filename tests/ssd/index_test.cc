#include "edge/tiers/ssd/index.h"

#include <gtest/gtest.h>

#include <random>
#include <unordered_map>

namespace meridian::ssd {
namespace {

using Kind = Place::Kind;

TEST(SsdPlace, HoldsWhatItIsToldAndReadsEnough) {
  for (const std::uint64_t offset : {kPage, 3 * kPage + kUnit, Place::kMostBytes - kUnit}) {
    for (std::uint64_t bytes = kUnit; bytes < (PageClass::kMostPages - 1) * kPage; bytes += 1111 * kUnit) {
      const Place place(offset, bytes, Kind::kChunk);
      ASSERT_EQ(place.offset(), offset);
      ASSERT_EQ(place.kind(), Kind::kChunk);
      ASSERT_EQ(place.frequency(), 0U);
      ASSERT_GE(place.read_bytes(), offset % kPage + bytes);
      ASSERT_LT(place.read_bytes(), offset % kPage + bytes + 8 * kPage);
      ASSERT_LT(place.value(), 1ULL << 48U);
    }
  }
}

TEST(SsdPlace, UpTo32PagesNothingTooMuchIsRead) {
  for (std::uint64_t pages = 1; pages <= 32; ++pages) {
    EXPECT_EQ(Place(kPage, pages * kPage, Kind::kObject).read_bytes(), pages * kPage);
  }
  for (unsigned each = 0; each < PageClass::kCount; ++each) {
    EXPECT_EQ(PageClass::of(PageClass::pages(each)), each);
  }
  EXPECT_EQ(PageClass::pages(PageClass::kCount - 1), PageClass::kMostPages);
}

TEST(SsdPlace, UsesSaturateAndChangeNothingElse) {
  Place place(64 * kPage, 5000, Kind::kHead);
  for (int i = 0; i < 10; ++i) place = place.used_once_more();
  EXPECT_EQ(place.frequency(), Place::kMostFrequency);
  EXPECT_EQ(place.offset(), 64 * kPage);
  EXPECT_EQ(place.kind(), Kind::kHead);
}

Place place_of(std::uint64_t number, Kind kind = Kind::kObject) { return Place(number * kUnit, kUnit, kind); }

TEST(SsdIndex, DoesWhatAMapDoes) {
  std::mt19937_64 random(11);
  Index index(2, 5);
  std::unordered_map<std::uint64_t, std::uint64_t> model;
  for (int i = 0; i < 300'000; ++i) {
    // Waves, so that the tables grow and shrink.
    const std::uint64_t hash = random() % 20'000 * 0x9E3779B97F4A7C15ULL;
    const bool growing = i / 30'000 % 2 == 0;
    if (random() % 10 < (growing ? 7U : 2U)) {
      const std::uint64_t number = random() % 1'000'000 + 1;
      EXPECT_EQ(index.put(hash, place_of(number)), model.contains(hash));
      model[hash] = number;
    } else if (random() % 2 == 0) {
      EXPECT_EQ(index.erase(hash).has_value(), model.erase(hash) == 1);
    } else {
      const auto found = index.find(hash);
      const auto expected = model.find(hash);
      ASSERT_EQ(found.has_value(), expected != model.end());
      if (found) {
        ASSERT_EQ(found->offset(), expected->second * kUnit);
      }
    }
    ASSERT_EQ(index.objects(), model.size());
  }
  for (const auto& [hash, number] : model) {
    const auto found = index.find(hash);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->offset(), number * kUnit);
  }
}

TEST(SsdIndex, ChangesOnlyWhatIsWhereItShouldBe) {
  Index index(0, 5);
  index.put(1, place_of(10));
  EXPECT_FALSE(index.erase_at(1, 11 * kUnit));
  EXPECT_FALSE(index.move(1, 11 * kUnit, place_of(12)));
  EXPECT_TRUE(index.move(1, 10 * kUnit, place_of(12)));
  EXPECT_EQ(index.find(1)->offset(), 12 * kUnit);
  EXPECT_TRUE(index.erase_at(1, 12 * kUnit));
  EXPECT_FALSE(index.find(1));
  EXPECT_EQ(index.objects(), 0U);
}

TEST(SsdIndex, CountsUsesAndKinds) {
  Index index(1, 5);
  index.put(1, place_of(1));
  index.put(2, place_of(2, Kind::kChunk));
  EXPECT_EQ(index.use(1)->frequency(), 0U);
  EXPECT_EQ(index.use(1)->frequency(), 1U);
  EXPECT_EQ(index.find(1)->frequency(), 2U);
  EXPECT_EQ(index.objects(), 1U);
  EXPECT_EQ(index.chunks(), 1U);
  index.put(2, place_of(3, Kind::kHead));
  EXPECT_EQ(index.objects(), 2U);
  EXPECT_EQ(index.chunks(), 0U);
}

TEST(SsdIndex, TheNewerOfTwoStaysWhateverCameFirst) {
  const auto newer = [](Place a, Place b) { return a.offset() > b.offset(); };
  Index index(1, 5);
  index.put_newer(1, place_of(5), newer);
  index.put_newer(1, place_of(4), newer);
  EXPECT_EQ(index.find(1)->offset(), 5 * kUnit);
  index.put_newer(1, place_of(6), newer);
  EXPECT_EQ(index.find(1)->offset(), 6 * kUnit);
  EXPECT_EQ(index.objects(), 1U);
}

TEST(SsdIndex, SweepsARangeAndNothingElse) {
  Index index(3, 5);
  for (std::uint64_t i = 1; i <= 10'000; ++i) {
    index.put(i * 0x9E3779B97F4A7C15ULL, place_of(i, i % 2 == 0 ? Kind::kChunk : Kind::kObject));
  }
  EXPECT_EQ(index.erase_between(1000 * kUnit, 9000 * kUnit), 4000U);
  EXPECT_EQ(index.objects() + index.chunks(), 2000U);
  for (std::uint64_t i = 1; i <= 10'000; ++i) {
    ASSERT_EQ(index.find(i * 0x9E3779B97F4A7C15ULL).has_value(), i < 1000 || i >= 9000) << i;
  }
}

TEST(SsdIndex, StaysUnder16BytesAnObjectAtEveryCountAndGivesMemoryBack) {
  Index index(4, 5);
  std::uint64_t most_each = 0;
  for (std::uint64_t i = 1; i <= 200'000; ++i) {
    index.put(i * 0x9E3779B97F4A7C15ULL, place_of(i));
    if (i > 20'000 && i % 1000 == 0) most_each = std::max(most_each, index.footprint_bytes() * 100 / i);
  }
  EXPECT_LT(most_each, 1400U) << "hundredths of a byte";
  const std::size_t most = index.footprint_bytes();
  for (std::uint64_t i = 1; i <= 190'000; ++i) index.erase(i * 0x9E3779B97F4A7C15ULL);
  EXPECT_LT(index.footprint_bytes(), most / 5);
}

}  // namespace
}  // namespace meridian::ssd
