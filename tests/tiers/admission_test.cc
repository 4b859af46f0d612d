#include "edge/tiers/admission.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "edge/tiers/admission_policies.h"

namespace meridian {
namespace {

using Offer = AdmissionPolicy::Offer;

std::uint64_t hash_of(std::uint64_t i) {
  std::uint64_t x = (i + 1) * 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  return x ^ (x >> 31U);
}

std::size_t admitted_of(AdmissionPolicy& policy, std::size_t count, double scarcity, bool reused = false,
                        std::uint64_t bytes = 1000) {
  std::size_t admitted = 0;
  for (std::size_t i = 0; i < count; ++i) {
    admitted += policy.admit({hash_of(i), bytes, reused}, scarcity) ? 1U : 0U;
  }
  return admitted;
}

TEST(LotOf, SpreadsEvenly) {
  std::size_t low = 0;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    const double lot = lot_of(hash_of(i));
    ASSERT_GE(lot, 0);
    ASSERT_LT(lot, 1);
    low += lot < 0.3 ? 1U : 0U;
  }
  EXPECT_NEAR(static_cast<double>(low), 3000, 200);
}

TEST(AdmitAll, AdmitsLessAsWritesGetScarce) {
  AdmitAll policy;
  EXPECT_EQ(admitted_of(policy, 1000, 0), 1000U);
  EXPECT_NEAR(static_cast<double>(admitted_of(policy, 10'000, 0.7)), 3000, 200);
  EXPECT_EQ(admitted_of(policy, 1000, 1), 0U);
}

TEST(SecondHit, RefusesTheFirstTimeOnly) {
  SecondHit policy(10'000);
  EXPECT_LE(admitted_of(policy, 1000, 0), 2U) << "a stranger may be taken for a ghost, very seldom";
  EXPECT_GE(admitted_of(policy, 1000, 0), 990U);
}

TEST(SecondHit, WhatWasReusedInRamNeedsNoSecondOffer) {
  SecondHit policy(1000);
  EXPECT_EQ(admitted_of(policy, 100, 0, true), 100U);
}

TEST(SecondHit, ForgetsBeyondWhatItRemembers) {
  SecondHit policy(100);
  admitted_of(policy, 10'000, 0);
  std::size_t again = 0;
  for (std::uint64_t i = 0; i < 5000; ++i) again += policy.admit({hash_of(i), 1, false}, 0) ? 1U : 0U;
  EXPECT_LT(again, 60U);
}

template <class Policy>
class CountingAdmission : public testing::Test {};
using CountingPolicies = testing::Types<FrequencyAdmission, SizeAwareAdmission>;
TYPED_TEST_SUITE(CountingAdmission, CountingPolicies);

TYPED_TEST(CountingAdmission, AsksForTwoRequestsWhenThereIsPlenty) {
  TypeParam policy(100'000);
  EXPECT_LE(admitted_of(policy, 1000, 0), 2U);
  EXPECT_GE(admitted_of(policy, 1000, 0), 980U) << "all but those in a block that has aged in between";
  TypeParam other(100'000);
  EXPECT_EQ(admitted_of(other, 1000, 0, true), 1000U) << "one request for the fill, one in RAM";
}

TYPED_TEST(CountingAdmission, AsksForMoreAsWritesGetScarce) {
  TypeParam policy(100'000);
  std::vector<std::size_t> admitted;
  for (int offers = 0; offers < 15; ++offers) admitted.push_back(admitted_of(policy, 1000, 0.5));
  EXPECT_EQ(admitted[4], 0U);
  EXPECT_GE(admitted[10], 980U);
  EXPECT_EQ(admitted_of(policy, 1000, 1), 0U) << "nothing is left: the most popular waits too";
}

TYPED_TEST(CountingAdmission, TheThresholdMovesSmoothly) {
  std::size_t last = 1000;
  for (double scarcity = 0; scarcity <= 0.3; scarcity += 0.01) {
    TypeParam policy(100'000);
    for (int i = 0; i < 3; ++i) admitted_of(policy, 1000, 1);
    const std::size_t now = admitted_of(policy, 1000, scarcity);
    EXPECT_LE(now, last);
    EXPECT_GE(now + 250, last) << scarcity;
    last = now;
  }
  EXPECT_EQ(last, 0U);
}

TEST(SizeAwareAdmission, LargeObjectsNeedMoreRequestsThanSmallOnes) {
  const auto offers_needed = [](std::uint64_t bytes) {
    SizeAwareAdmission policy(100'000);
    for (std::uint64_t i = 0; i < 5000; ++i) policy.admit({hash_of(i), 10'000, false}, 0.2);
    int offers = 1;
    while (offers < 100 && !policy.admit({hash_of(1'000'000), bytes, false}, 0.2)) ++offers;
    return offers;
  };
  EXPECT_LE(offers_needed(100), offers_needed(10'000));
  EXPECT_LT(offers_needed(10'000), offers_needed(80'000));
  EXPECT_EQ(offers_needed(1'000'000), 100) << "ten times the usual by the root: more than counters hold";
}

TEST(SizeAwareAdmission, SizeDoesNotMatterWithPlentyToWrite) {
  SizeAwareAdmission policy(1000);
  policy.admit({hash_of(1), 1000, false}, 0);
  policy.admit({hash_of(2), 1U << 30U, false}, 0);
  EXPECT_TRUE(policy.admit({hash_of(2), 1U << 30U, false}, 0));
}

TEST(AdmissionPolicies, AreMadeByKind) {
  EXPECT_EQ(make_admission_policy(AdmissionKind::kAll, 10)->name(), "all");
  EXPECT_EQ(make_admission_policy(AdmissionKind::kSecondHit, 10)->name(), "second-hit");
  EXPECT_EQ(make_admission_policy(AdmissionKind::kFrequency, 10)->name(), "frequency");
  EXPECT_EQ(make_admission_policy(AdmissionKind::kSizeAware, 10)->name(), "size-aware");
  EXPECT_LE(make_admission_policy(AdmissionKind::kSecondHit, 1'000'000)->footprint_bytes(), 4'200'000U);
}

TEST(WriteBudget, WithoutALimitNothingIsScarce) {
  WriteBudget budget(0, 0);
  EXPECT_TRUE(budget.take(1ULL << 50U, 0));
  budget.charge(1ULL << 50U, 0);
  EXPECT_EQ(budget.scarcity(0), 0);
  EXPECT_TRUE(budget.take(1, 0));
}

TEST(WriteBudget, HoldsAnHourAndFillsByTheDay) {
  WriteBudget budget(24'000, 5);
  EXPECT_EQ(budget.scarcity(5), 0);
  EXPECT_TRUE(budget.take(750, 5));
  EXPECT_DOUBLE_EQ(budget.scarcity(5), 0.75);
  EXPECT_TRUE(budget.take(500, 5)) << "the last one may owe";
  EXPECT_EQ(budget.scarcity(5), 1);
  EXPECT_FALSE(budget.take(1, 5));
  EXPECT_FALSE(budget.take(1, 5 + WriteBudget::kBurstMs / 4)) << "the debt is paid first";
  EXPECT_TRUE(budget.take(1, 5 + WriteBudget::kBurstMs / 2));
  EXPECT_EQ(budget.scarcity(5 + 10 * WriteBudget::kBurstMs), 0) << "no more than an hour's worth is saved";
}

TEST(WriteBudget, AClockThatGoesBackGivesNothing) {
  WriteBudget budget(24'000, 1'000'000);
  EXPECT_TRUE(budget.take(1000, 1'000'000));
  EXPECT_FALSE(budget.take(1, 0));
  EXPECT_FALSE(budget.take(1, 1'000'000));
}

TEST(WriteBudget, ANewRateKeepsTheShareThatIsLeft) {
  WriteBudget budget(24'000, 0);
  EXPECT_TRUE(budget.take(500, 0));
  budget.set_rate(240'000, 0);
  EXPECT_DOUBLE_EQ(budget.scarcity(0), 0.5);
  budget.set_rate(0, 0);
  EXPECT_EQ(budget.scarcity(0), 0);
  budget.set_rate(24'000, 0);
  EXPECT_EQ(budget.scarcity(0), 0);
}

// A day of offers of ten times the budget: no more than it is written, and nearly all of it is used.
TEST(Admission, SpendsTheBudgetAndNoMore) {
  for (const AdmissionKind kind : {AdmissionKind::kAll, AdmissionKind::kSecondHit, AdmissionKind::kFrequency,
                                   AdmissionKind::kSizeAware}) {
    constexpr std::uint64_t kPerDay = 20'000'000;
    constexpr std::uint64_t kOffers = 200'000;
    Admission admission(make_admission_policy(kind, 20'000), kPerDay, 0);
    std::mt19937_64 random(5);
    for (std::uint64_t i = 0; i < kOffers; ++i) {
      const auto key = static_cast<std::uint64_t>(std::exp(std::uniform_real_distribution<>(0, 11)(random)));
      admission.admit({hash_of(key), 500 + key % 1000, false},
                      static_cast<std::int64_t>(i * WriteBudget::kDayMs / kOffers));
    }
    const Admission::Counts& counts = admission.counts();
    const std::uint64_t most = kPerDay + kPerDay / 24 + 1500;
    EXPECT_LE(counts.admitted_bytes, most) << admission.policy().name();
    EXPECT_GE(counts.admitted_bytes, kPerDay * 8 / 10) << admission.policy().name();
    EXPECT_EQ(counts.offered, kOffers);
    EXPECT_EQ(counts.admitted + counts.refused_by_policy + counts.refused_by_budget, kOffers);
  }
}

TEST(Admission, WhatTheTierMovesIsChargedToo) {
  Admission admission(make_admission_policy(AdmissionKind::kAll, 10), 24'000, 0);
  admission.charge(2000, 0);
  EXPECT_FALSE(admission.admit({1, 1, false}, 0));
  EXPECT_EQ(admission.scarcity(0), 1);
}

}  // namespace
}  // namespace meridian
