#pragma once

#include <memory>

#include "edge/tiers/admission_policy.h"
#include "edge/tiers/write_budget.h"

namespace meridian {

// The gate of a tier whose writes cost something: a policy under a write budget. As the budget runs out the
// policy asks for more, so that what is left goes to what will most likely be read again; when it is used up
// nothing is admitted. Not thread-safe: the tier calls it under the lock of its writers.
//
//   if (admission.admit({hash, bytes, reused}, clock.mono_ms())) write(...);
//   admission.charge(bytes_moved, clock.mono_ms());   // what the tier writes for itself: reinsertion, tables
class Admission {
 public:
  struct Counts {
    std::uint64_t offered = 0, offered_bytes = 0;
    std::uint64_t admitted = 0, admitted_bytes = 0;
    std::uint64_t refused_by_policy = 0;
    std::uint64_t refused_by_budget = 0;
  };

  // `bytes_per_day` 0: no budget.
  Admission(std::unique_ptr<AdmissionPolicy> policy, std::uint64_t bytes_per_day, std::int64_t now_ms)
      : policy_(std::move(policy)), budget_(bytes_per_day, now_ms) {}

  // True takes `offer.bytes` from the budget.
  bool admit(const AdmissionPolicy::Offer& offer, std::int64_t now_ms);
  // Bytes that are written without having been admitted.
  void charge(std::uint64_t bytes, std::int64_t now_ms) { budget_.charge(bytes, now_ms); }
  void set_budget(std::uint64_t bytes_per_day, std::int64_t now_ms) {
    budget_.set_rate(bytes_per_day, now_ms);
  }
  // 0: plenty is left to write, 1: nothing. A tier may stop reinserting before that.
  double scarcity(std::int64_t now_ms) { return budget_.scarcity(now_ms); }

  const AdmissionPolicy& policy() const { return *policy_; }
  const Counts& counts() const { return counts_; }

 private:
  std::unique_ptr<AdmissionPolicy> policy_;
  WriteBudget budget_;
  Counts counts_;
};

}  // namespace meridian
