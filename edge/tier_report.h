#pragma once

#include <string_view>

#include "edge/tiers/miss_ratio_curve.h"
#include "edge/tiers/ssd/ssd_tier.h"
#include "edge/tiers/tier.h"
#include "lib/stats/registry.h"

namespace meridian::edge {

// What the tiers say of themselves, as metrics.
void report(std::string_view tier, const TierStats& stats, stats::Scrape& to);
// `ssd` may be null: configured, but not there; perhaps not yet.
void report_ssd(const SsdTier* ssd, bool is_recovering, stats::Scrape& to);
// What it would miss at other sizes.
void report_miss_ratio(std::string_view tier, const MissRatioCurve& curve, std::uint64_t capacity_bytes,
                       stats::Scrape& to);
std::string_view name_of(ssd::Health::State state);

}  // namespace meridian::edge
