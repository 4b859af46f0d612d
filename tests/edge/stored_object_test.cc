#include "edge/stored_object.h"

#include <gtest/gtest.h>

#include <string>

#include "edge/store.h"

namespace meridian::edge {
namespace {

struct StoredObjectTest : testing::Test {
  StoredObjectTest() : tier(options()) {}
  static RamTier::Options options() {
    RamTier::Options made;
    made.capacity_bytes = 8 << 20;
    return made;
  }
  Lookup find(std::string_view accept_language, std::int64_t now_s = 100) {
    http::FieldList request;
    if (!accept_language.empty()) request.add(http::FieldId::kAcceptLanguage, accept_language);
    return look_up(store_, {}, kKey, hash_of_key(kKey), request, policy, now_s, variant);
  }
  void store(std::string_view accept_language, std::string_view names, std::size_t max = 64) {
    http::FieldList request;
    request.add(http::FieldId::kAcceptLanguage, accept_language);
    std::string key(kKey);
    http::append_variant(names, request, policy, key);
    dropped += add_variant(store_, kKey, names, key, max, 1, 100);
    ObjectMeta meta;
    meta.status = 200;
    tier.put(Object::make(key, meta, accept_language, {}));
  }
  static constexpr std::string_view kKey = "http://www.example.test/page";
  RamTier tier;
  Store store_{tier};
  http::VaryPolicy policy;
  std::string variant;
  std::size_t dropped = 0;
};

TEST_F(StoredObjectTest, NothingIsAUriMiss) {
  EXPECT_FALSE(find("en").object);
  EXPECT_EQ(find("en").reason, http::MissReason::kUriMiss);
}

// RFC 9111 section 4.1.
TEST_F(StoredObjectTest, EachVariantIsFoundByItsRequest) {
  store("en", "accept-language");
  store("de", "accept-language");
  EXPECT_EQ(find("en").object->head(), "en");
  EXPECT_EQ(find("de").object->head(), "de");
  const Lookup french = find("fr");
  EXPECT_FALSE(french.object);
  EXPECT_EQ(french.reason, http::MissReason::kVaryMiss);
  EXPECT_FALSE(variant.empty());
}

TEST_F(StoredObjectTest, AnOlderVaryListIsTriedToo) {
  store("en", "accept-language");
  store("en", "accept-language,cookie");
  store("de", "accept-language");
  EXPECT_EQ(find("en").object->head(), "en");
  EXPECT_EQ(find("de").object->head(), "de");
}

TEST_F(StoredObjectTest, VariantsOfOneUrlAreBounded) {
  for (int i = 0; i < 10; ++i) store("l" + std::to_string(i), "accept-language", 4);
  EXPECT_EQ(dropped, 6U);
  EXPECT_FALSE(find("l0").object);
  EXPECT_FALSE(find("l5").object);
  for (int i = 6; i < 10; ++i) EXPECT_TRUE(find("l" + std::to_string(i)).object) << i;
}

TEST_F(StoredObjectTest, HitForMissEndsByItself) {
  mark_hit_for_miss(store_, kKey, 10, 1, 100);
  EXPECT_TRUE(find("en", 105).hit_for_miss);
  EXPECT_EQ(find("en", 105).reason, http::MissReason::kHitForMiss);
  EXPECT_FALSE(find("en", 110).hit_for_miss);
  EXPECT_EQ(find("en", 110).reason, http::MissReason::kUriMiss);
}

}  // namespace
}  // namespace meridian::edge
