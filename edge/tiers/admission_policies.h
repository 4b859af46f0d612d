#pragma once

#include <memory>

#include "edge/tiers/admission_policy.h"
#include "edge/tiers/frequency_sketch.h"
#include "edge/tiers/ghost_queue.h"

namespace meridian {

// A number from 0 up to 1 that belongs to the key: what is scarce is then kept for the same keys each time,
// instead of for a few requests of every key.
double lot_of(std::uint64_t hash);

// Everything, less a share that grows with scarcity.
class AdmitAll final : public AdmissionPolicy {
 public:
  std::string_view name() const override { return "all"; }
  bool admit(const Offer& offer, double scarcity) override { return lot_of(offer.hash) >= scarcity; }
  std::size_t footprint_bytes() const override { return 0; }
};

// What was asked for again in RAM, or was offered before within the last `remembered` refusals. Two bytes for
// each of those.
class SecondHit final : public AdmissionPolicy {
 public:
  explicit SecondHit(std::size_t remembered) { refused_.set_limit(remembered); }
  std::string_view name() const override { return "second-hit"; }
  bool admit(const Offer& offer, double scarcity) override;
  std::size_t footprint_bytes() const override { return refused_.footprint_bytes(); }

 private:
  GhostQueue refused_;
};

// Most offers are of objects that are never offered again: counting fewer of them at a time keeps them apart.
// Offers per object of the tier after which counts have been halved.
inline constexpr std::size_t kCountedOffers = 3;

// What was asked for often enough lately: at least twice, and the more often the scarcer writes are. Makes
// the most of the budget in bytes served.
class FrequencyAdmission final : public AdmissionPolicy {
 public:
  explicit FrequencyAdmission(std::size_t objects) { sketch_.set_limit(objects); }
  std::string_view name() const override { return "frequency"; }
  bool admit(const Offer& offer, double scarcity) override;
  std::size_t footprint_bytes() const override { return sketch_.footprint_bytes(); }

 private:
  FrequencySketch sketch_{kCountedOffers};
};

// As FrequencyAdmission, but under scarcity an object must have been asked for the more often the larger it
// is beside what is usually offered, by the square root. Makes the most of the budget in requests served.
class SizeAwareAdmission final : public AdmissionPolicy {
 public:
  explicit SizeAwareAdmission(std::size_t objects) { sketch_.set_limit(objects); }
  std::string_view name() const override { return "size-aware"; }
  bool admit(const Offer& offer, double scarcity) override;
  std::size_t footprint_bytes() const override { return sketch_.footprint_bytes(); }

 private:
  FrequencySketch sketch_{kCountedOffers};
  double usual_log_bytes_ = 0;  // moving mean of the logarithm
  bool any_ = false;
};

enum class AdmissionKind : std::uint8_t { kAll, kSecondHit, kFrequency, kSizeAware };
// `objects`: about how many the tier will hold, which is how many it is worth remembering.
std::unique_ptr<AdmissionPolicy> make_admission_policy(AdmissionKind kind, std::size_t objects);

}  // namespace meridian
