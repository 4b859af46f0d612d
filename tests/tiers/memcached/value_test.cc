#include "edge/tiers/memcached/value.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "tests/contract/tier_objects.h"

namespace meridian::memcached {
namespace {

std::string joined(const EncodedValue& value) {
  return value.front + std::string(value.body.view()) +
         std::string(value.checksum.data(), value.checksum.size());
}
Decoded decoded(const std::string& bytes, std::string_view key) { return decode(Slice::copy_of(bytes), key); }

TEST(MemcachedValue, ComesBackAsItWas) {
  using namespace std::string_view_literals;
  const std::string long_key(Object::kMaxKey, 'k');
  for (const std::string_view key : {"http://a.test/x"sv, ""sv, "a\0b\r\n c"sv, std::string_view(long_key)}) {
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{65536}, std::size_t{65537}, std::size_t{200'000}}) {
      const Ref<Object> object = test::object_of(key, 7, size);
      const EncodedValue value = encode(*object);
      EXPECT_EQ(value.size(), content_bytes(*object) + kFixedBytes);
      const Decoded back = decoded(joined(value), key);
      ASSERT_EQ(back.reject, Reject::kNone) << size;
      EXPECT_TRUE(test::is_whole(*back.object, key)) << size;
      EXPECT_EQ(back.object->body_size(), size);
    }
  }
}

TEST(MemcachedValue, TheExtremesOfEveryFieldSurvive) {
  ObjectMeta meta;
  meta.fill_seq = std::numeric_limits<std::uint64_t>::max();
  meta.response_time_s = std::numeric_limits<std::int64_t>::min();
  meta.initial_age_s = meta.lifetime_s = meta.stale_revalidate_s = meta.stale_error_s = meta.site =
      0xFFFFFFFFU;
  meta.status = meta.flags = 0xFFFF;
  const Decoded back = decoded(joined(encode(*Object::make("k", meta, "head", {}))), "k");
  ASSERT_TRUE(back.object);
  EXPECT_EQ(back.object->meta(), meta);
}

// Written by this version and read by every later one with the same magic.
TEST(MemcachedValue, TheFormatIsFixed) {
  const ObjectMeta meta{.fill_seq = 1,
                        .response_time_s = 2,
                        .initial_age_s = 3,
                        .lifetime_s = 4,
                        .stale_revalidate_s = 5,
                        .stale_error_s = 6,
                        .status = 200,
                        .flags = 7,
                        .site = 8};
  const std::string body = "body";
  const Slice slice = Slice::of_static(body);
  const std::string bytes = joined(encode(*Object::make("key", meta, "head", {&slice, 1})));
  std::string hex;
  for (const char c : bytes) {
    hex += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4U];
    hex += "0123456789abcdef"[static_cast<unsigned char>(c) & 15U];
  }
  EXPECT_EQ(hex,
            "4d524431"
            "0100000000000000"
            "0200000000000000"
            "03000000"
            "04000000"
            "05000000"
            "06000000"
            "c800"
            "0700"
            "08000000"
            "0300"
            "04000000"
            "0400000000000000"
            "6b6579"
            "68656164"
            "626f6479"
            "a67f9c06e5d627c6");
  EXPECT_EQ(WireKey("http://a.test/").view(), "mrd1:6a9430545c3317ee3487cd924991023f");
}

TEST(MemcachedValue, EveryCutAndEveryAdditionIsRejected) {
  const std::string whole = joined(encode(*test::object_of("key", 1, 100)));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decoded(whole.substr(0, size), "key").object) << size;
  }
  EXPECT_EQ(decoded(whole + "x", "key").reject, Reject::kGarbage);
  EXPECT_EQ(decoded(whole + whole, "key").reject, Reject::kGarbage);
}

TEST(MemcachedValue, EveryFlippedBitIsRejected) {
  std::string bytes = joined(encode(*test::object_of("key", 1, 100)));
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    const char mask = static_cast<char>(1U << (bit % 8));
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
    EXPECT_FALSE(decoded(bytes, "key").object) << bit;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
  }
  EXPECT_TRUE(decoded(bytes, "key").object);
}

TEST(MemcachedValue, AnotherKeysValueIsRejectedAsSuch) {
  EXPECT_EQ(decoded(joined(encode(*test::object_of("key", 1, 100))), "kez").reject, Reject::kOtherKey);
  EXPECT_EQ(decoded("", "key").reject, Reject::kGarbage);
  EXPECT_EQ(decoded(std::string(1000, '\0'), "key").reject, Reject::kGarbage);
}

TEST(MemcachedValue, NamesOnTheWireFitAndDiffer) {
  std::set<std::string> names;
  for (int i = 0; i < 1000; ++i) {
    const std::string name(WireKey("key " + std::to_string(i)).view());
    EXPECT_EQ(name.find_first_not_of("mrd1:0123456789abcdef"), std::string::npos);
    names.insert(name);
  }
  EXPECT_EQ(names.size(), 1000U);
}

struct KeepCase {
  ObjectMeta meta;
  std::uint32_t keep_stale_s;
  std::uint32_t expected_s;
};
TEST(MemcachedValue, IsKeptForAsLongAsItIsOfUse) {
  constexpr std::int64_t kNow = 1'000'000;
  const auto meta = [](std::int64_t time, std::uint32_t age, std::uint32_t lifetime, std::uint32_t revalidate,
                       std::uint32_t error) {
    ObjectMeta m;
    m.response_time_s = time, m.initial_age_s = age, m.lifetime_s = lifetime;
    m.stale_revalidate_s = revalidate, m.stale_error_s = error;
    return m;
  };
  const KeepCase cases[] = {
      {meta(kNow, 0, 60, 0, 0), 0, 60},
      {meta(kNow - 10, 5, 60, 0, 0), 0, 45},
      {meta(kNow, 0, 60, 20, 30), 0, 90},
      {meta(kNow, 0, 60, 30, 20), 100, 190},
      {meta(kNow - 60, 0, 60, 0, 0), 0, 0},
      {meta(kNow - 61, 0, 60, 0, 0), 0, 0},
      {meta(kNow, 61, 60, 0, 0), 0, 0},
      {meta(kNow + 500, 0, 60, 0, 0), 0, 60},  // a clock that went back
      {meta(kNow, 0, 0xFFFFFFFFU, 0xFFFFFFFFU, 0), 0xFFFFFFFFU, kMostKeptS},
      {meta(std::numeric_limits<std::int64_t>::max(), 0, 60, 0, 0), 0, 60},
  };
  for (const KeepCase& c : cases) EXPECT_EQ(keep_for_s(c.meta, kNow, c.keep_stale_s), c.expected_s);
}

}  // namespace
}  // namespace meridian::memcached
