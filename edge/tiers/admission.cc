#include "edge/tiers/admission.h"

namespace meridian {

bool Admission::admit(const AdmissionPolicy::Offer& offer, std::int64_t now_ms) {
  ++counts_.offered;
  counts_.offered_bytes += offer.bytes;
  // The policy is asked even when the budget is used up: it learns from what is offered.
  if (!policy_->admit(offer, budget_.scarcity(now_ms))) {
    ++counts_.refused_by_policy;
    return false;
  }
  if (!budget_.take(offer.bytes, now_ms)) {
    ++counts_.refused_by_budget;
    return false;
  }
  ++counts_.admitted;
  counts_.admitted_bytes += offer.bytes;
  return true;
}

}  // namespace meridian
