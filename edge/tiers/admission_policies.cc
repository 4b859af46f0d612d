#include "edge/tiers/admission_policies.h"

#include <algorithm>
#include <cmath>

#include "lib/base/check.h"

namespace meridian {
namespace {

// What an offer says of the requests since the last one: the one that fetched the object, and those that RAM
// answered.
constexpr unsigned kSeen = 1;
constexpr unsigned kSeenAndReused = 2;
constexpr double kLeastRequests = 2;
constexpr double kMostRequests = FrequencySketch::kMax;

// Counts are whole and few; the lot of the key makes the threshold a smooth one.
bool often_enough(FrequencySketch& sketch, const AdmissionPolicy::Offer& offer, double threshold) {
  sketch.add(offer.hash, offer.reused ? kSeenAndReused : kSeen);
  return sketch.estimate(offer.hash) + lot_of(offer.hash) >= threshold;
}

}  // namespace

double lot_of(std::uint64_t hash) {
  // Other bits than those that sketches and ghosts pick places by.
  const std::uint64_t mixed = (hash ^ (hash >> 29U)) * 0xBF58476D1CE4E5B9ULL;
  return static_cast<double>(mixed >> 11U) * 0x1p-53;
}

bool SecondHit::admit(const Offer& offer, double scarcity) {
  const bool again = refused_.take(offer.hash) || offer.reused;
  if (again && lot_of(offer.hash) >= scarcity) return true;
  refused_.add(offer.hash);
  return false;
}

bool FrequencyAdmission::admit(const Offer& offer, double scarcity) {
  return often_enough(sketch_, offer, kLeastRequests + scarcity * (kMostRequests + 1 - kLeastRequests));
}

bool SizeAwareAdmission::admit(const Offer& offer, double scarcity) {
  constexpr double kWeight = 0.001;
  const double log_bytes = std::log(static_cast<double>(std::max<std::uint64_t>(offer.bytes, 1)));
  usual_log_bytes_ = any_ ? usual_log_bytes_ + kWeight * (log_bytes - usual_log_bytes_) : log_bytes;
  any_ = true;
  const double beside_usual = std::exp((log_bytes - usual_log_bytes_) / 2);
  const double more = scarcity * (kMostRequests + 1 - kLeastRequests) * beside_usual;
  // With next to nothing left, small objects wait too.
  const double least_more = scarcity * scarcity * (kMostRequests + 1 - kLeastRequests);
  return often_enough(sketch_, offer, kLeastRequests + std::max(more, least_more));
}

std::unique_ptr<AdmissionPolicy> make_admission_policy(AdmissionKind kind, std::size_t objects) {
  switch (kind) {
    case AdmissionKind::kAll:
      return std::make_unique<AdmitAll>();
    case AdmissionKind::kSecondHit:
      return std::make_unique<SecondHit>(objects);
    case AdmissionKind::kFrequency:
      return std::make_unique<FrequencyAdmission>(objects);
    case AdmissionKind::kSizeAware:
      return std::make_unique<SizeAwareAdmission>(objects);
  }
  CHECK(false);
}

}  // namespace meridian
