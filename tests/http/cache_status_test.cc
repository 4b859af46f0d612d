#include "lib/http/cache_status.h"

#include <gtest/gtest.h>

#include "lib/http/sf.h"

namespace meridian::http {
namespace {

std::string written(const CacheStatus& status, std::size_t room = kCacheStatusBytes) {
  std::string out(room, '\0');
  const std::string text(write_cache_status(status, "meridian", out));
  EXPECT_TRUE(text.empty() || sf::parse_list(text)) << text;  // RFC 9211 section 2: a member of an sf-list
  return text;
}

TEST(CacheStatus, Hits) {
  CacheStatus hit;
  hit.hit = true;
  EXPECT_EQ(written(hit), "meridian; hit");
  hit.ttl_s = 30;
  EXPECT_EQ(written(hit), "meridian; hit; ttl=30");
  hit.ttl_s = -412;
  hit.fwd = MissReason::kStale;  // served stale while it is validated: still a hit (RFC 9211 section 2.1)
  EXPECT_EQ(written(hit), "meridian; hit; ttl=-412");
  hit.key = "http://h/\"a\\";
  EXPECT_EQ(written(hit), "meridian; hit; ttl=-412; key=\"http://h/\\\"a\\\\\"");
}

TEST(CacheStatus, Forwards) {
  CacheStatus miss;
  miss.fwd = MissReason::kUriMiss;
  miss.fwd_status = 200;
  miss.stored = true;
  miss.collapsed = true;
  miss.ttl_s = 60;
  EXPECT_EQ(written(miss), "meridian; fwd=uri-miss; fwd-status=200; stored; collapsed; ttl=60");
  CacheStatus fine;
  fine.fwd = MissReason::kNoCache;
  EXPECT_EQ(written(fine), "meridian; fwd=stale; detail=no-cache");
  fine.detail = "set-cookie";
  EXPECT_EQ(written(fine), "meridian; fwd=stale; detail=set-cookie");
  fine.detail = "two words";
  EXPECT_EQ(written(fine), "meridian; fwd=stale; detail=\"two words\"");
  EXPECT_EQ(written({}), "meridian");
}

TEST(CacheStatus, LeavesOutWhatDoesNotFit) {
  CacheStatus hit;
  hit.hit = true;
  hit.ttl_s = 30;
  hit.key = "http://h/caf\xc3\xa9";
  EXPECT_EQ(written(hit), "meridian; hit; ttl=30") << "a string holds ASCII only (RFC 8941 section 3.3.3)";
  hit.key = "http://example.test/";
  hit.detail = "x";
  EXPECT_EQ(written(hit, 32), "meridian; hit; ttl=30; detail=x");
  EXPECT_EQ(written(hit, 20), "meridian; hit");
  EXPECT_EQ(written(hit, 4), "");
}

TEST(CacheStatus, EveryReasonMapsToAStandardToken) {
  for (int i = 1; i <= static_cast<int>(MissReason::kHitForMiss); ++i) {
    const std::string_view fwd = fwd_of(static_cast<MissReason>(i));
    const bool known = fwd == "bypass" || fwd == "method" || fwd == "uri-miss" || fwd == "vary-miss" ||
                       fwd == "miss" || fwd == "request" || fwd == "stale" || fwd == "partial";
    EXPECT_TRUE(known) << fwd;  // RFC 9211 section 2.2
  }
}

}  // namespace
}  // namespace meridian::http
