#include "lib/http/cache_control.h"

#include <gtest/gtest.h>

#include "tests/http/heads.h"

namespace meridian::http {
namespace {

CacheControl parsed(std::string_view value) {
  CacheControl control;
  parse_cache_control(value, control);
  return control;
}

// RFC 9111 section 1.2.2.
TEST(DeltaSeconds, Forms) {
  EXPECT_EQ(parse_delta_seconds("0"), 0);
  EXPECT_EQ(parse_delta_seconds("003600"), 3600);
  EXPECT_EQ(parse_delta_seconds("2147483647"), 2147483647);
  EXPECT_EQ(parse_delta_seconds("2147483648"), kMaxDeltaSeconds);
  EXPECT_EQ(parse_delta_seconds("2147483649"), kMaxDeltaSeconds);
  EXPECT_EQ(parse_delta_seconds("99999999999999999999999999999999"), kMaxDeltaSeconds);
  for (std::string_view bad : {"", "-1", "+1", "1.0", "a", "1a", " 1", "1 ", "0x10", "'1'"}) {
    EXPECT_FALSE(parse_delta_seconds(bad)) << bad;
  }
}

struct MaxAgeCase {
  std::string_view value;
  std::int64_t max_age_s;  // -1: absent
};

// RFC 9111 sections 4.2.1 and 5.2: both argument forms, no case, no spaces at "=", first of several, invalid
// is stale.
TEST(CacheControl, MaxAge) {
  static constexpr MaxAgeCase kCases[] = {
      {"max-age=3600", 3600},
      {"MaX-aGe=3600", 3600},
      {"max-age=\"3600\"", 3600},
      {"max-age='3600'", 0},
      {"max-age =3600", -1},
      {"max-age= 3600", 0},
      {"max-age=003600", 3600},
      {"max-age=3600.0", 0},
      {"max-age=-3600", 0},
      {"max-age=a3600", 0},
      {"max-age=3600a", 0},
      {"max-age=", 0},
      {"max-age", 0},
      {"max-age=1800, max-age=1", 1800},
      {"max-age=1, max-age=1800", 1},
      {"extension=\"max-age=3600\", max-age=1", 1},
      {"max-age=1, extension=\"max-age=3600\"", 1},
      {"extension=\"a, max-age=3600\"", -1},
      {"extension=\"\\\", max-age=3600\"", -1},
      {"foobar, max-age=3600", 3600},
      {",, max-age=3600 ,", 3600},
      {"x-max-age=3600", -1},
      {"max-age=99999999999", kMaxDeltaSeconds},
      {"", -1},
  };
  for (const MaxAgeCase& c : kCases)
    EXPECT_EQ(parsed(c.value).max_age_s.value_or(-1), c.max_age_s) << c.value;
}

TEST(CacheControl, AllDirectives) {
  const CacheControl c = parsed(
      "no-store, no-cache, private, public, must-revalidate, proxy-revalidate, must-understand, "
      "no-transform, "
      "immutable, only-if-cached, s-maxage=1, stale-while-revalidate=2, stale-if-error=3, max-stale=4, "
      "min-fresh=5");
  EXPECT_TRUE(c.no_store && c.no_cache && c.is_private && c.is_public && c.must_revalidate &&
              c.proxy_revalidate);
  EXPECT_TRUE(c.must_understand && c.no_transform && c.immutable && c.only_if_cached);
  EXPECT_EQ(c.s_maxage_s, 1);
  EXPECT_EQ(c.stale_while_revalidate_s, 2);
  EXPECT_EQ(c.stale_if_error_s, 3);
  EXPECT_EQ(c.max_stale_s, 4);
  EXPECT_EQ(c.min_fresh_s, 5);
  EXPECT_FALSE(c.max_stale_any);
  EXPECT_TRUE(parsed("max-stale").max_stale_any);
  EXPECT_TRUE(parsed("No-StOrE").no_store);
  EXPECT_TRUE(parsed("no-store=1").no_store);
}

// RFC 9111 sections 5.2.2.4 and 5.2.2.7: qualified forms; what cannot be read counts as unqualified.
TEST(CacheControl, FieldNames) {
  const CacheControl c = parsed("no-cache=\"a, b\", private=\"Set-Cookie\", no-cache=c");
  EXPECT_FALSE(c.no_cache || c.is_private);
  EXPECT_EQ(c.no_cache_fields, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(c.private_fields, std::vector<std::string>{"Set-Cookie"});
  EXPECT_TRUE(parsed("no-cache=\"\"").no_cache);
  EXPECT_TRUE(parsed("private=\"a b\"").is_private);
  EXPECT_TRUE(parsed("private=").is_private);
  EXPECT_TRUE(parsed("no-cache=\"a\", no-cache").no_cache);
}

// RFC 9213 section 2.1.
TEST(TargetedField, ParsedAsDictionary) {
  EXPECT_EQ(parse_targeted("max-age=60, foobar")->max_age_s, 60);
  EXPECT_EQ(parse_targeted("max-age=99999999999")->max_age_s, kMaxDeltaSeconds);
  EXPECT_EQ(parse_targeted("max-age=-5")->max_age_s, 0);
  EXPECT_EQ(parse_targeted("max-age=1, max-age=2")->max_age_s, 2);
  EXPECT_TRUE(parse_targeted("no-store, private")->is_private);
  EXPECT_FALSE(parse_targeted("no-store=?0")->no_store);
  EXPECT_EQ(parse_targeted("no-cache=\"a, b\"")->no_cache_fields.size(), 2U);
  for (std::string_view bad : {"", "  ", "max-age=\"60\"", "max-age=60, &&&&&", "MaX-aGe=60", "max-age =60",
                               "max-age=60.0", "max-age", "no-store=1", "private=(a)", "max-age=(60)"}) {
    EXPECT_FALSE(parse_targeted(bad)) << bad;
  }
}

struct SourceCase {
  Lines lines;
  DirectiveSource source;
  std::int64_t max_age_s;
};

// RFC 9213 section 2.2: ours, then the CDNs', then everybody's.
TEST(TargetedField, Precedence) {
  using enum DirectiveSource;
  const SourceCase cases[] = {
      {{}, kNone, -1},
      {{{"Cache-Control", "max-age=1"}}, kCacheControl, 1},
      {{{"Cache-Control", "max-age=1"}, {"CDN-Cache-Control", "max-age=2"}}, kCdnCacheControl, 2},
      {{{"CDN-Cache-Control", "max-age=2"}, {"Meridian-Cache-Control", "max-age=3"}},
       kMeridianCacheControl,
       3},
      {{{"CDN-Cache-Control", "max-age=2"}, {"Meridian-Cache-Control", ""}}, kCdnCacheControl, 2},
      {{{"Cache-Control", "max-age=1"}, {"CDN-Cache-Control", "max-age=&"}}, kCacheControl, 1},
      {{{"CDN-Cache-Control", "max-age=2"}, {"CDN-Cache-Control", "no-transform"}}, kCdnCacheControl, 2},
      {{{"CDN-Cache-Control", "max-age=2"}, {"CDN-Cache-Control", ")"}, {"Cache-Control", "a"}},
       kCacheControl,
       -1},
      {{{"Cache-Control", "max-age=5"}, {"Cache-Control", "max-age=6"}}, kCacheControl, 5},
  };
  for (const SourceCase& c : cases) {
    const ResponseDirectives d = response_directives(fields(c.lines));
    EXPECT_EQ(d.source, c.source);
    EXPECT_EQ(d.cache_control.max_age_s.value_or(-1), c.max_age_s);
    EXPECT_EQ(d.targeted(), c.source == kCdnCacheControl || c.source == kMeridianCacheControl);
  }
}

// RFC 9111 section 5.4: Pragma speaks only where Cache-Control is silent.
TEST(RequestDirectives, Pragma) {
  EXPECT_TRUE(request_directives(fields({{"Pragma", "no-cache"}})).no_cache);
  EXPECT_TRUE(request_directives(fields({{"Pragma", "x, No-Cache"}})).no_cache);
  EXPECT_FALSE(request_directives(fields({{"Pragma", "unrecognised-extension"}})).no_cache);
  EXPECT_FALSE(request_directives(fields({{"Pragma", "no-cache"}, {"Cache-Control", "max-age=5"}})).no_cache);
  EXPECT_EQ(request_directives(fields({{"Cache-Control", "max-age=x"}})).max_age_s, 0);
}

}  // namespace
}  // namespace meridian::http
