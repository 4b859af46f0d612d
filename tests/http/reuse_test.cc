#include "lib/http/reuse.h"

#include <gtest/gtest.h>

#include "tests/http/heads.h"

namespace meridian::http {
namespace {

using Verdict = Reuse::Verdict;
constexpr std::int64_t kStored = 1'763'700'000;

StoredTimes stored(std::uint32_t lifetime_s, unsigned flags = 0, std::uint32_t initial_age_s = 0) {
  StoredTimes times;
  times.response_time_s = kStored;
  times.lifetime_s = lifetime_s;
  times.initial_age_s = initial_age_s;
  times.flags = static_cast<std::uint16_t>(flags);
  return times;
}

struct RequestCase {
  std::string_view cache_control;
  std::int64_t elapsed_s;
  Verdict verdict;
  MissReason reason;
};

// RFC 9111 section 5.2.1, against a lifetime of 100 seconds.
TEST(Reuse, RequestDirectives) {
  using enum Verdict;
  static constexpr RequestCase kCases[] = {
      {"", 0, kFresh, MissReason::kNone},
      {"", 99, kFresh, MissReason::kNone},
      {"", 100, kValidate, MissReason::kStale},
      {"max-age=0", 0, kValidate, MissReason::kRequest},
      {"max-age=50", 50, kFresh, MissReason::kNone},
      {"max-age=50", 51, kValidate, MissReason::kRequest},
      {"max-age=junk", 5, kValidate, MissReason::kRequest},
      {"min-fresh=10", 90, kFresh, MissReason::kNone},
      {"min-fresh=11", 90, kValidate, MissReason::kRequest},
      {"no-cache", 1, kValidate, MissReason::kRequest},
      {"max-stale", 5000, kStaleAllowed, MissReason::kNone},
      {"max-stale=10", 110, kStaleAllowed, MissReason::kNone},
      {"max-stale=10", 111, kValidate, MissReason::kStale},
      {"only-if-cached", 50, kFresh, MissReason::kNone},
      {"only-if-cached", 150, kOnlyIfCached, MissReason::kStale},
      {"only-if-cached, max-stale", 150, kStaleAllowed, MissReason::kNone},
      {"unknown", 50, kFresh, MissReason::kNone},
  };
  for (const RequestCase& c : kCases) {
    const FieldList request =
        c.cache_control.empty() ? FieldList() : fields({{"Cache-Control", c.cache_control}});
    const Reuse r = decide_reuse(stored(100), request, kStored + c.elapsed_s, {});
    EXPECT_EQ(r.verdict, c.verdict) << c.cache_control << " at " << c.elapsed_s;
    EXPECT_EQ(r.reason, c.reason) << c.cache_control << " at " << c.elapsed_s;
    EXPECT_EQ(r.age_s, c.elapsed_s);
    EXPECT_EQ(r.ttl_s, 100 - c.elapsed_s);
  }
}

TEST(Reuse, PragmaAndPolicy) {
  EXPECT_EQ(decide_reuse(stored(100), fields({{"Pragma", "no-cache"}}), kStored, {}).verdict,
            Verdict::kValidate);
  ReusePolicy deaf;
  deaf.honour_request = false;
  EXPECT_EQ(decide_reuse(stored(100), fields({{"Pragma", "no-cache"}}), kStored, deaf).verdict,
            Verdict::kFresh);
  const FieldList oic = fields({{"Cache-Control", "only-if-cached"}});
  EXPECT_EQ(decide_reuse(stored(100), oic, kStored + 200, deaf).verdict, Verdict::kValidate);
  EXPECT_TRUE(wants_only_if_cached(oic, {}));
  EXPECT_FALSE(wants_only_if_cached(oic, deaf));
  EXPECT_FALSE(wants_only_if_cached({}, {}));
}

// RFC 9111 section 5.2.2.4: no-cache is validated however fresh, and never served stale.
TEST(Reuse, NoCache) {
  const Reuse r = decide_reuse(stored(100, kStoredNoCache), {}, kStored, {});
  EXPECT_EQ(r.verdict, Verdict::kValidate);
  EXPECT_EQ(r.reason, MissReason::kNoCache);
  EXPECT_FALSE(r.stale_if_error);
  ReusePolicy generous;
  generous.stale_if_error_s = 1000;
  EXPECT_FALSE(decide_reuse(stored(100, kStoredNoCache), {}, kStored, generous).stale_if_error);
  EXPECT_FALSE(
      decide_reuse(stored(100, kStoredNoCache), fields({{"Cache-Control", "max-stale"}}), kStored, {})
          .serve());
}

struct StaleCase {
  unsigned flags;
  std::uint32_t said_s;  // by the origin, when flags say so
  std::int64_t policy_s;
  std::int64_t staleness_s;
  bool allowed;
};

// RFC 5861 section 3 and RFC 9111 section 4.2.4.
TEST(Reuse, StaleWhileRevalidate) {
  constexpr unsigned kSaid = kStoredStaleRevalidateSaid;
  static constexpr StaleCase kCases[] = {
      {kSaid, 10, 0, 0, true},
      {kSaid, 10, 0, 10, true},
      {kSaid, 10, 0, 11, false},
      {kSaid, 0, 100, 0, false},
      {0, 0, 100, 50, true},
      {0, 0, 0, 0, false},
      {kSaid | kStoredMustRevalidate, 10, 0, 5, false},
      {kSaid | kStoredNoCache, 10, 0, 5, false},
      {kStoredSMaxage, 0, 100, 5, false},
      {kSaid | kStoredSMaxage, 10, 0, 5, true},
  };
  for (const StaleCase& c : kCases) {
    StoredTimes times = stored(100, c.flags);
    times.stale_revalidate_s = c.said_s;
    ReusePolicy policy;
    policy.stale_while_revalidate_s = c.policy_s;
    const Reuse r = decide_reuse(times, {}, kStored + 100 + c.staleness_s, policy);
    EXPECT_EQ(r.verdict == Verdict::kStaleWhileRevalidate, c.allowed) << c.flags << " " << c.staleness_s;
    EXPECT_EQ(r.serve(), c.allowed);
  }
  StoredTimes times = stored(100, kSaid);
  times.stale_revalidate_s = 1000;
  const FieldList choosy = fields({{"Cache-Control", "max-age=5000"}});
  EXPECT_EQ(decide_reuse(times, choosy, kStored + 200, {}).verdict, Verdict::kValidate)
      << "a client that names an age takes nothing stale (section 5.2.1.1)";
}

// RFC 5861 section 4: what is said counts before policy; s-maxage and must-revalidate (RFC 9111
// section 4.2.4).
TEST(Reuse, StaleIfError) {
  constexpr unsigned kSaid = kStoredStaleErrorSaid;
  static constexpr StaleCase kCases[] = {
      {kSaid, 10, 0, 10, true},
      {kSaid, 10, 0, 11, false},
      {kSaid, 10, 1000, 11, false},
      {kSaid, 0, 1000, 1, false},
      {0, 0, 1000, 1000, true},
      {0, 0, 1000, 1001, false},
      {0, 0, 0, 0, false},
      {kSaid | kStoredMustRevalidate, 10, 1000, 1, false},
      {kStoredSMaxage, 0, 1000, 1, false},
      {kSaid | kStoredSMaxage, 10, 0, 5, true},
  };
  for (const StaleCase& c : kCases) {
    StoredTimes times = stored(100, c.flags);
    times.stale_error_s = c.said_s;
    ReusePolicy policy;
    policy.stale_if_error_s = c.policy_s;
    const Reuse r = decide_reuse(times, {}, kStored + 100 + c.staleness_s, policy);
    EXPECT_EQ(r.verdict, Verdict::kValidate);
    EXPECT_EQ(r.stale_if_error, c.allowed) << c.flags << " " << c.staleness_s;
  }
}

TEST(Reuse, ClientAsksForStaleIfError) {
  const FieldList asks = fields({{"Cache-Control", "stale-if-error=10"}});
  ReusePolicy policy;
  policy.stale_if_error_s = 1000;
  EXPECT_TRUE(decide_reuse(stored(100), asks, kStored + 110, policy).stale_if_error);
  EXPECT_FALSE(decide_reuse(stored(100), asks, kStored + 111, policy).stale_if_error);
  EXPECT_FALSE(decide_reuse(stored(100, kStoredMustRevalidate), asks, kStored + 105, policy).stale_if_error);
  EXPECT_TRUE(
      decide_reuse(stored(100), fields({{"Cache-Control", "no-cache"}}), kStored + 5, {}).stale_if_error)
      << "fresh, only the client wished for a newer one";
}

// RFC 9111 section 4.2.3.
TEST(Reuse, InitialAgeCounts) {
  EXPECT_EQ(decide_reuse(stored(3600, 0, 7200), {}, kStored, {}).verdict, Verdict::kValidate);
  EXPECT_EQ(decide_reuse(stored(3600, 0, 3599), {}, kStored, {}).ttl_s, 1);
  EXPECT_EQ(decide_reuse(stored(1U << 31U, 0, 1U << 31U), {}, kStored, {}).verdict, Verdict::kValidate);
}

TEST(Reuse, Words) {
  EXPECT_EQ(fwd_of(MissReason::kNoCache), "stale");
  EXPECT_EQ(token_of(MissReason::kHitForMiss), "hit-for-miss");
  EXPECT_FALSE(explanation_of(MissReason::kPartial).empty());
  for (int status : {500, 502, 503, 504}) EXPECT_TRUE(is_stale_if_error_status(status));
  for (int status : {200, 404, 501, 505}) EXPECT_FALSE(is_stale_if_error_status(status));
}

}  // namespace
}  // namespace meridian::http
