#include "lib/http/freshness.h"

#include <gtest/gtest.h>

#include "lib/http/date.h"
#include "tests/http/heads.h"

namespace meridian::http {
namespace {

constexpr std::int64_t kNow = 1'763'700'000;

// A date this many seconds from kNow.
std::string at(std::int64_t offset_s) {
  char out[kHttpDateBytes];
  format_http_date(kNow + offset_s, out);
  return {out, kHttpDateBytes};
}

Freshness fresh(int status, const FieldList& list, const FreshnessPolicy& policy = {}) {
  ResponseHead head = response(status);
  head.fields = list;
  return freshness(head, response_directives(head.fields), kNow, policy);
}

// RFC 9111 section 4.2.1: the order of sources.
TEST(Freshness, Precedence) {
  const std::string soon = at(100);
  const std::string now = at(0);
  const std::string old = at(-1000);
  struct Case {
    FieldList list;
    std::int64_t lifetime_s;
    LifetimeSource source;
  } const cases[] = {
      {fields({{"Cache-Control", "max-age=10, s-maxage=20"}, {"Expires", soon}}), 20,
       LifetimeSource::kSMaxage},
      {fields({{"Cache-Control", "s-maxage=1"}, {"Cache-Control", "max-age=9"}}), 1,
       LifetimeSource::kSMaxage},
      {fields({{"Cache-Control", "max-age=10"}, {"Expires", soon}}), 10, LifetimeSource::kMaxAge},
      {fields({{"Cache-Control", "max-age=0"}, {"Expires", soon}}), 0, LifetimeSource::kMaxAge},
      {fields({{"Cache-Control", "max-age=x"}, {"Expires", soon}}), 0, LifetimeSource::kMaxAge},
      {fields({{"Expires", soon}, {"Date", now}}), 100, LifetimeSource::kExpires},
      {fields({{"Expires", soon}, {"Last-Modified", old}}), 100, LifetimeSource::kExpires},
      {fields({{"Last-Modified", old}, {"Date", now}}), 100, LifetimeSource::kHeuristic},
      {fields({{"Date", now}}), 0, LifetimeSource::kNone},
      {fields({{"CDN-Cache-Control", "max-age=7"}, {"Cache-Control", "max-age=10"}, {"Expires", soon}}), 7,
       LifetimeSource::kMaxAge},
      // RFC 9213 section 2.2: a targeted field that says nothing of lifetime still silences Expires.
      {fields({{"CDN-Cache-Control", "public"}, {"Expires", soon}}), 0, LifetimeSource::kNone},
  };
  for (const auto& c : cases) {
    const Freshness f = fresh(200, c.list);
    EXPECT_EQ(f.lifetime_s, c.lifetime_s);
    EXPECT_EQ(f.source, c.source);
  }
}

struct ExpiresCase {
  std::string expires, date;
  std::int64_t lifetime_s;
};

// RFC 9111 section 5.3: odd forms of Expires have passed; a bad Date gives way to the time of receipt.
TEST(Freshness, ExpiresOddForms) {
  const ExpiresCase cases[] = {
      {at(30 * 86400), at(0), 30 * 86400},
      {at(-30 * 86400), at(0), 0},
      {at(0), at(0), 0},
      {at(300), at(400), 0},
      {at(20), at(10), 10},
      {at(10), at(-10), 20},
      {at(10), "foo", 10},
      {"0", at(0), 0},
      {"-1", at(0), 0},
      {"", at(0), 0},
      {"Thu, 18 Aug 2050 02:01:18 EST", at(0), 0},
      {"Thu, 18 Aug 50 02:01:18 GMT", at(0), 0},
      {"Fri, 31 Dec 9999 23:59:59 GMT", at(0), kMaxDeltaSeconds},
  };
  for (const ExpiresCase& c : cases) {
    const Freshness f = fresh(200, fields({{"Expires", c.expires}, {"Date", c.date}}));
    EXPECT_EQ(f.lifetime_s, c.lifetime_s) << c.expires << " / " << c.date;
    EXPECT_TRUE(f.is_explicit());
  }
  EXPECT_EQ(fresh(200, fields({{"Expires", at(10)}})).lifetime_s, 10);
  EXPECT_EQ(fresh(200, fields({{"Expires", at(10)}, {"Expires", at(20)}})).lifetime_s, 10);
}

// RFC 9111 section 4.2.2 and RFC 9110 section 15.1.
TEST(Freshness, Heuristics) {
  const std::string modified = at(-24 * 3600);
  for (int status : {200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501}) {
    EXPECT_EQ(fresh(status, fields({{"Last-Modified", modified}})).lifetime_s, 8640) << status;
  }
  for (int status : {201, 202, 302, 303, 307, 400, 403, 500, 502, 503, 504, 599}) {
    EXPECT_EQ(fresh(status, fields({{"Last-Modified", modified}})).lifetime_s, 0) << status;
    const FieldList open = fields({{"Last-Modified", modified}, {"Cache-Control", "public"}});
    EXPECT_EQ(fresh(status, open).lifetime_s, 8640) << status;
  }
  EXPECT_EQ(fresh(200, fields({{"Last-Modified", at(-100 * 86400)}})).lifetime_s, 86400);
  EXPECT_EQ(fresh(200, fields({{"Last-Modified", at(100)}})).lifetime_s, 0);
  EXPECT_EQ(fresh(200, fields({{"Last-Modified", "yesterday"}})).source, LifetimeSource::kNone);
  FreshnessPolicy off;
  off.heuristics = false;
  EXPECT_EQ(fresh(200, fields({{"Last-Modified", modified}}), off).source, LifetimeSource::kNone);
}

TEST(Freshness, Policy) {
  FreshnessPolicy policy;
  policy.by_status = {{404, 30}, {503, 5}};
  policy.lifetime_max_s = 1000;
  EXPECT_EQ(fresh(404, {}, policy).lifetime_s, 30);
  EXPECT_EQ(fresh(404, {}, policy).source, LifetimeSource::kPolicy);
  EXPECT_FALSE(fresh(404, {}, policy).is_explicit());
  EXPECT_EQ(fresh(404, fields({{"Cache-Control", "max-age=60"}}), policy).lifetime_s, 60);
  EXPECT_EQ(fresh(200, fields({{"Cache-Control", "max-age=60000"}}), policy).lifetime_s, 1000);
  EXPECT_EQ(fresh(200, {}, policy).source, LifetimeSource::kNone);
}

struct AgeCase {
  std::string_view first, second;
  std::int64_t age_s;  // -1: ignored
};

// RFC 9111 section 5.1: the first member counts, an invalid one is ignored.
TEST(Age, Forms) {
  static constexpr AgeCase kCases[] = {
      {"0", "", 0},
      {"7200", "", 7200},
      {"7200, 0", "", 7200},
      {"0, 7200", "", 0},
      {"0,7200", "", 0},
      {"7200", "0", 7200},
      {"0", "7200", 0},
      {"abc", "", -1},
      {"-7200", "", -1},
      {"7200.0", "", -1},
      {"7200;foo=bar", "", -1},
      {"\"7200\"", "", -1},
      {"", "", -1},
      {"2147483647", "", 2147483647},
      {"2147483648", "", kMaxDeltaSeconds},
      {"2147483649", "", kMaxDeltaSeconds},
      {"99999999999999999999", "", kMaxDeltaSeconds},
  };
  for (const AgeCase& c : kCases) {
    FieldList list = fields({{"Age", c.first}});
    if (!c.second.empty()) list.add("Age", c.second);
    EXPECT_EQ(age_value(list).value_or(-1), c.age_s) << c.first;
  }
  EXPECT_FALSE(age_value({}));
}

// RFC 9111 section 4.2.3.
TEST(Age, CorrectedInitialAge) {
  const std::string now = at(0);
  const std::string past = at(-30);
  const std::string future = at(30);
  EXPECT_EQ(initial_age(fields({{"Date", now}}), kNow, 0), 0);
  EXPECT_EQ(initial_age(fields({{"Date", past}}), kNow, 0), 30);
  EXPECT_EQ(initial_age(fields({{"Date", future}}), kNow, 0), 0);
  EXPECT_EQ(initial_age(fields({{"Date", future}, {"Age", "15"}}), kNow, 0), 15);
  EXPECT_EQ(initial_age(fields({{"Date", past}, {"Age", "15"}}), kNow, 0), 30);
  EXPECT_EQ(initial_age(fields({{"Date", now}, {"Age", "15"}}), kNow, 4999), 19);
  EXPECT_EQ(initial_age(fields({{"Date", now}}), kNow, 5000), 5);
  EXPECT_EQ(initial_age({}, kNow, -1), 0);
  EXPECT_EQ(initial_age(fields({{"Date", "bad"}}), kNow, 0), 0);
  EXPECT_EQ(initial_age(fields({{"Age", "2147483648"}}), kNow, 60'000), kMaxDeltaSeconds);
}

}  // namespace
}  // namespace meridian::http
