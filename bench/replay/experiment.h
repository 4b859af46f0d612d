#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench/replay/belady.h"
#include "bench/replay/two_level.h"
#include "edge/tiers/admission_policies.h"

namespace meridian::replay {

// A policy that takes part, by name.
struct Contender {
  enum class Kind : unsigned char {
    kOnline,
    kKnowsFuture,  // what could be reached, and by what
    kBound,        // what cannot be passed
  };
  std::string name;
  Kind kind = Kind::kOnline;
  std::function<Ratios(const Trace&, const Rules&, std::uint64_t capacity)> play;
};
inline constexpr std::string_view kOurs = "meridian";
// All of them: ours first, then the online ones, then those that know the future, then the bound.
const std::vector<Contender>& contenders();

// A size of a cache: a share of the working set, or bytes.
struct CacheSize {
  double share = 0;  // 0: bytes
  std::uint64_t bytes = 0;
  std::uint64_t bytes_for(std::uint64_t footprint) const {
    return share > 0 ? static_cast<std::uint64_t>(share * static_cast<double>(footprint)) : bytes;
  }
};

// One size of one trace, with what each contender reached, in their order.
struct Row {
  std::string trace;
  double share = 0;  // of the working set
  std::uint64_t capacity = 0;
  std::vector<std::string> names;
  std::vector<Contender::Kind> kinds;
  std::vector<Ratios> ratios;
};
struct Settings {
  std::vector<CacheSize> sizes;
  std::vector<std::string> policies;  // none: all
  double warm_up_share = 0.2;
  double max_object_share = 0.1;  // a larger object is kept by nobody, as in the RAM tier
  unsigned jobs = 1;
};
std::vector<Row> compare(const Trace& trace, const Settings& settings);

// RAM and SSD with one admission policy and one rule of promotion.
struct SsdRow {
  std::string trace;
  std::string admission;
  double ram_share = 0;  // of the working set
  double ssd_share = 0;
  std::uint64_t write_budget = 0;  // bytes a day
  double promotion_window = 0;     // of RAM
  TwoLevel::Counts counts;
};
struct SsdSettings {
  CacheSize ram;
  CacheSize ssd;
  std::vector<AdmissionKind> admissions;
  std::uint64_t write_budget = 0;  // bytes a day
  // Plays once more with this share of what admitting everything wrote as the budget; 0: not.
  double budget_share = 0;
  std::vector<double> promotion_windows = {TwoLevel::Options{}.promotion_window};
  double warm_up_share = 0.2;
  double max_object_share = 0.1;
  unsigned jobs = 1;
};
std::vector<SsdRow> compare_admission(const Trace& trace, const SsdSettings& settings);

}  // namespace meridian::replay
