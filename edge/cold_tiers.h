#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "edge/recent_removals.h"
#include "edge/tiers/memcached/fleet.h"
#include "edge/tiers/memcached/hot_objects.h"
#include "edge/tiers/ram_tier.h"
#include "edge/tiers/ssd/ssd_tier.h"

namespace meridian::edge {

// The tiers behind RAM, as all workers share them. Each is there or not; SSD may also come later, when a
// predecessor has let go of it or its disk is back. Any thread.
class ColdTiers {
 public:
  // Before the workers run.
  void set_fleet(std::unique_ptr<memcached::Fleet> fleet, unsigned after_hits) {
    hot_.emplace(fleet->options().max_object_bytes, after_hits);
    fleet_ = std::move(fleet);
  }
  // Once; the workers come for it by Store::use_ssd().
  void set_ssd(std::unique_ptr<SsdTier> ssd);

  SsdTier* ssd() const { return ssd_.load(std::memory_order_acquire); }
  memcached::Fleet* fleet() const { return fleet_.get(); }
  // With a fleet.
  memcached::HotObjects& hot() { return *hot_; }
  RecentRemovals& removals() { return removals_; }

  // What RAM had no room for any more; see RamTier::Options::on_evict.
  void take_evicted(const RamTier::Evicted& evicted);

 private:
  static void take_slice(SsdTier& ssd, const Object& slice, bool reused);

  std::unique_ptr<SsdTier> owned_ssd_;
  std::atomic<SsdTier*> ssd_{nullptr};
  std::unique_ptr<memcached::Fleet> fleet_;
  std::optional<memcached::HotObjects> hot_;
  RecentRemovals removals_;
};

}  // namespace meridian::edge
