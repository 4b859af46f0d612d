#include "lib/http/storability.h"

#include <gtest/gtest.h>

#include "tests/http/heads.h"

namespace meridian::http {
namespace {

constexpr std::int64_t kNow = 1'763'700'000;
constexpr std::string_view kModified = "Thu, 20 Nov 2025 04:00:00 GMT";

StoreDecision decide(const RequestHead& request, const ResponseHead& response, const StorePolicy& policy = {},
                     bool has_body = false) {
  return decide_store({request, response, has_body, kNow, 0}, policy);
}

struct Case {
  Lines request;
  int status;
  Lines response;
  NotStored reason;
};

// RFC 9111 sections 3, 3.5 and 5.2.2.
TEST(Storability, GetRules) {
  using enum NotStored;
  const Case cases[] = {
      {{}, 200, {{"Cache-Control", "max-age=60"}}, kNone},
      {{}, 200, {{"Expires", "Thu, 18 Aug 2050 02:01:18 GMT"}}, kNone},
      {{}, 200, {{"Last-Modified", kModified}}, kNone},
      {{}, 200, {}, kUseless},
      {{}, 200, {{"ETag", "\"a\""}}, kNone},
      {{}, 200, {{"Cache-Control", "max-age=0"}}, kUseless},
      {{}, 200, {{"Cache-Control", "max-age=0"}, {"ETag", "\"a\""}}, kNone},
      {{}, 200, {{"Cache-Control", "max-age=0, stale-while-revalidate=60"}}, kNone},
      {{}, 200, {{"Cache-Control", "max-age=0, stale-if-error=60"}}, kNone},
      {{}, 200, {{"Cache-Control", "max-age=10"}, {"Age", "15"}}, kUseless},
      {{}, 200, {{"Cache-Control", "no-cache"}, {"ETag", "\"a\""}}, kNone},
      {{}, 200, {{"Cache-Control", "no-cache, max-age=60"}}, kUseless},
      // no-store and private
      {{}, 200, {{"Cache-Control", "no-store, max-age=60"}}, kNoStore},
      {{}, 200, {{"Cache-Control", "private, max-age=60"}}, kPrivate},
      {{}, 200, {{"Cache-Control", "private=\"x\", max-age=60"}}, kNone},
      {{}, 200, {{"CDN-Cache-Control", "private"}, {"Cache-Control", "max-age=60"}}, kPrivate},
      {{}, 200, {{"CDN-Cache-Control", "no-store"}, {"Cache-Control", "max-age=60"}}, kNoStore},
      {{}, 200, {{"CDN-Cache-Control", "max-age=60"}, {"Cache-Control", "no-store"}}, kNone},
      {{}, 200, {{"CDN-Cache-Control", "max-age=60, &&&"}, {"Cache-Control", "no-store"}}, kNoStore},
      {{}, 200, {{"CDN-Cache-Control", "max-age=\"60\""}, {"Cache-Control", "no-store"}}, kNoStore},
      {{{"Cache-Control", "no-store"}}, 200, {{"Cache-Control", "max-age=60"}}, kRequestNoStore},
      // must-understand (section 5.2.2.3)
      {{}, 200, {{"Cache-Control", "max-age=60, no-store, must-understand"}}, kNone},
      {{}, 599, {{"Cache-Control", "max-age=60, no-store, must-understand"}}, kStatusUnknown},
      {{}, 599, {{"Cache-Control", "max-age=60, must-understand"}}, kStatusUnknown},
      {{}, 599, {{"Cache-Control", "max-age=60"}}, kNone},
      // Authorization (section 3.5)
      {{{"Authorization", "x"}}, 200, {{"Cache-Control", "max-age=60"}}, kAuthorization},
      {{{"Authorization", "x"}}, 200, {{"Cache-Control", "max-age=60, public"}}, kNone},
      {{{"Authorization", "x"}}, 200, {{"Cache-Control", "max-age=60, must-revalidate"}}, kNone},
      {{{"Authorization", "x"}}, 200, {{"Cache-Control", "max-age=60, proxy-revalidate"}}, kAuthorization},
      {{{"Authorization", "x"}}, 200, {{"Cache-Control", "s-maxage=60"}}, kNone},
      {{{"Cookie", "a=b"}}, 200, {{"Cache-Control", "max-age=60"}}, kNone},
      // statuses
      {{}, 599, {{"Last-Modified", kModified}}, kNoFreshness},
      {{}, 599, {{"Last-Modified", kModified}, {"Cache-Control", "public"}}, kNone},
      {{}, 403, {{"Last-Modified", kModified}}, kNoFreshness},
      {{}, 404, {{"Last-Modified", kModified}}, kNone},
      {{}, 304, {{"Cache-Control", "max-age=60"}}, kInterim},
      {{}, 103, {{"Cache-Control", "max-age=60"}}, kInterim},
      {{}, 400, {{"Cache-Control", "max-age=60"}}, kNone},
      {{}, 400, {{"Cache-Control", "public"}, {"Last-Modified", kModified}}, kRequestRefused},
      {{}, 413, {{"Cache-Control", "max-age=60"}}, kRequestRefused},
      {{}, 416, {{"Cache-Control", "max-age=60"}}, kRequestRefused},
      {{}, 428, {{"Cache-Control", "max-age=60"}}, kRequestRefused},
      {{}, 429, {{"Cache-Control", "max-age=60"}}, kRequestRefused},
      {{}, 431, {{"Cache-Control", "max-age=60"}}, kRequestRefused},
      {{{"X-HTTP-Method-Override", "PUT"}}, 404, {{"Cache-Control", "max-age=60"}}, kSuspectRequest},
      {{{"X-HTTP-Method-Override", "PUT"}}, 200, {{"Cache-Control", "max-age=60"}}, kNone},
      {{{"X-Odd", "caf\xc3\xa9"}}, 404, {{"Cache-Control", "max-age=60"}}, kSuspectRequest},
      // Vary (section 4.1)
      {{}, 200, {{"Cache-Control", "max-age=60"}, {"Vary", "*"}}, kVaryStar},
      {{}, 200, {{"Cache-Control", "max-age=60"}, {"Vary", "Foo, *"}}, kVaryStar},
      {{}, 200, {{"Cache-Control", "max-age=60"}, {"Vary", "a,b,c,d,e,f,g,h"}}, kNone},
      {{}, 200, {{"Cache-Control", "max-age=60"}, {"Vary", "a,b,c,d,e,f,g,h,i"}}, kVaryTooMany},
      // partial content (section 3.3)
      {{{"Range", "bytes=0-4"}},
       206,
       {{"Cache-Control", "max-age=60"}, {"Content-Range", "bytes 0-4/9"}},
       kNone},
      {{{"Range", "bytes=0-4"}}, 206, {{"Cache-Control", "max-age=60"}}, kContentRange},
      {{{"Range", "bytes=0-4"}},
       206,
       {{"Cache-Control", "max-age=60"}, {"Content-Range", "x 0-4/9"}},
       kContentRange},
      {{{"Range", "bytes=0-4"}},
       206,
       {{"Cache-Control", "max-age=60"}, {"Content-Range", "bytes */9"}},
       kContentRange},
      {{{"Range", "bytes=0-4"}},
       206,
       {{"Cache-Control", "max-age=60"}, {"Content-Range", "bytes 0-4/9"}, {"Content-Range", "bytes 0-4/9"}},
       kContentRange},
      {{}, 206, {{"Cache-Control", "max-age=60"}, {"Content-Range", "bytes 0-4/9"}}, kPartial},
      // a Content-Range in a 200 means nothing (RFC 9110 section 14.4)
      {{}, 200, {{"Cache-Control", "max-age=60"}, {"Content-Range", "odd"}}, kNone},
  };
  int number = 0;
  for (const Case& c : cases) {
    EXPECT_EQ(token_of(decide(get(c.request), response(c.status, c.response)).reason), token_of(c.reason))
        << "case " << number << " status " << c.status;
    ++number;
  }
}

// RFC 9111 section 3 and RFC 9110 section 9.3.3.
TEST(Storability, Methods) {
  const ResponseHead ok = response(200, {{"Cache-Control", "max-age=60"}});
  for (std::string_view method : {"HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "M-SEARCH"}) {
    EXPECT_EQ(decide(request(method), ok).reason, NotStored::kMethod) << method;
  }
  EXPECT_EQ(decide(get(), ok, {}, true).reason, NotStored::kRequestBody);
  // Storing a POST's answer for later GETs is optional, and not done whatever it says.
  const ResponseHead same = response(200, {{"Cache-Control", "max-age=60"}, {"Content-Location", "/a"}});
  EXPECT_EQ(decide(request("POST"), same).reason, NotStored::kMethod);
}

// RFC 9111 sections 4.3.4 and 4.3.5: what a HEAD or a 304 has updated is judged as what it is, the answer to
// a GET.
TEST(Storability, Updates) {
  const ResponseHead ok = response(200, {{"Cache-Control", "max-age=60, no-cache=\"x\""}});
  const RequestHead head = request("HEAD");
  EXPECT_TRUE(decide_store({head, ok, false, kNow, 0, true}, {}).store());
  EXPECT_FALSE(decide_store({head, ok, false, kNow, 0, false}, {}).store());
  const RequestHead post = request("POST");
  EXPECT_FALSE(decide_store({post, ok, false, kNow, 0, true}, {}).store());
  const ResponseHead part =
      response(206, {{"Cache-Control", "max-age=60"}, {"Content-Range", "bytes 0-1/9"}});
  EXPECT_TRUE(decide_store({get(), part, false, kNow, 0, true}, {}).store());
  // What to strip is said of any response: a 304's own fields are merged by it.
  EXPECT_EQ(decide(get(), response(304, {{"Cache-Control", "no-cache=\"x\""}})).strip,
            std::vector<std::string>{"x"});
}

struct CookieCase {
  SetCookiePolicy policy;
  std::string_view cache_control;
  bool stored;
};

// RFC 9111 section 7.3 and our own policy.
TEST(Storability, SetCookie) {
  using enum SetCookiePolicy;
  static constexpr CookieCase kCases[] = {
      {kExplicit, "max-age=60", true}, {kExplicit, "x", false},   {kPublic, "max-age=60", false},
      {kPublic, "s-maxage=60", true},  {kPublic, "public", true}, {kNever, "s-maxage=60, public", false},
      {kStrip, "max-age=60", true},    {kStrip, "x", true},
  };
  for (const CookieCase& c : kCases) {
    StorePolicy policy;
    policy.set_cookie = c.policy;
    const ResponseHead head = response(
        200, {{"Cache-Control", c.cache_control}, {"Set-Cookie", "a=b"}, {"Last-Modified", kModified}});
    const StoreDecision decision = decide(get(), head, policy);
    EXPECT_EQ(decision.store(), c.stored) << c.cache_control;
    EXPECT_EQ(decision.reason, c.stored ? NotStored::kNone : NotStored::kSetCookie);
    EXPECT_EQ(decision.strip.size(), c.policy == kStrip ? 1U : 0U);
  }
}

// A header that the key does not hold must not decide what others get: oversized values and errors.
TEST(Storability, SuspectRequests) {
  const std::string large(1025, 'x');
  const ResponseHead missing = response(404, {{"Cache-Control", "max-age=60"}});
  EXPECT_EQ(decide(get({{"X-A", large}}), missing).reason, NotStored::kSuspectRequest);
  EXPECT_TRUE(decide(get({{"X-A", large}}), response(200, {{"Cache-Control", "max-age=60"}})).store());
  RequestHead many = get();
  for (int i = 0; i < 9; ++i) many.fields.add("X-A", std::string_view(large).substr(0, 1000));
  EXPECT_EQ(decide(many, missing).reason, NotStored::kSuspectRequest);
}

TEST(Storability, BadRequestIsKeptShortly) {
  const StoreDecision decision =
      decide(get(), response(400, {{"Cache-Control", "max-age=36000"}, {"Age", "10"}}));
  EXPECT_TRUE(decision.store());
  EXPECT_EQ(decision.times.ttl_at(kNow), 60);
}

TEST(Storability, TimesAndFlags) {
  const StoreDecision d =
      decide(get(), response(200, {{"Cache-Control",
                                    "s-maxage=60, stale-while-revalidate=5, stale-if-error=7, "
                                    "must-revalidate, no-cache=\"a\", private=\"b\", immutable"},
                                   {"ETag", "\"x\""},
                                   {"Age", "10"}}));
  ASSERT_TRUE(d.store());
  EXPECT_EQ(d.times.lifetime_s, 60U);
  EXPECT_EQ(d.times.initial_age_s, 10U);
  EXPECT_EQ(d.times.stale_revalidate_s, 5U);
  EXPECT_EQ(d.times.stale_error_s, 7U);
  EXPECT_EQ(d.times.response_time_s, kNow);
  EXPECT_EQ(d.times.age_at(kNow + 3), 13);
  EXPECT_EQ(d.times.age_at(kNow - 3), 10) << "a clock set back makes nothing younger";
  EXPECT_EQ(d.times.flags, kStoredSMaxage | kStoredMustRevalidate | kStoredHasValidator | kStoredImmutable |
                               kStoredStaleErrorSaid | kStoredStaleRevalidateSaid);
  EXPECT_EQ(d.strip, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(decide(get(), response(200, {{"Last-Modified", kModified}})).times.flags,
            kStoredHeuristic | kStoredHasValidator);
}

TEST(Storability, NegativeCachingByPolicy) {
  StorePolicy policy;
  policy.freshness.by_status = {{503, 5}};
  EXPECT_EQ(decide(get(), response(503), policy).times.lifetime_s, 5U);
  EXPECT_TRUE(decide(get(), response(503), policy).store());
  EXPECT_EQ(decide(get(), response(503, {{"Cache-Control", "no-store"}}), policy).reason,
            NotStored::kNoStore);
  EXPECT_EQ(decide(get(), response(503, {{"Set-Cookie", "a=b"}}), policy).reason, NotStored::kSetCookie);
}

TEST(Storability, EveryReasonHasWords) {
  EXPECT_EQ(token_of(NotStored::kVaryStar), "vary-star");
  EXPECT_EQ(token_of(NotStored::kInvalidated), "invalidated");
  EXPECT_FALSE(explanation_of(NotStored::kUseless).empty());
}

}  // namespace
}  // namespace meridian::http
