#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "edge/recent_removals.h"
#include "edge/tiers/memcached/fleet.h"
#include "edge/tiers/memcached/hot_objects.h"
#include "edge/tiers/ram_tier.h"
#include "edge/tiers/ssd/ssd_tier.h"
#include "lib/base/mutex.h"

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
  // The configuration has one, which is not open yet. Before the workers run.
  void expect_ssd() { expects_ssd_ = true; }
  // Once; the workers come for it by Store::use_ssd(). What was removed while it was not there is removed
  // first. False: more was removed than is remembered, so that nothing it holds can be used; it is not taken,
  // and the next one has to start empty.
  [[nodiscard]] bool set_ssd(std::unique_ptr<SsdTier> ssd) EXCLUDES(missed_mutex_);

  SsdTier* ssd() const { return ssd_.load(std::memory_order_acquire); }
  memcached::Fleet* fleet() const { return fleet_.get(); }
  // With a fleet.
  memcached::HotObjects& hot() { return *hot_; }
  RecentRemovals& removals() { return removals_; }

  // What SSD has of the key with this hash is gone, or out of date: also when the tier is not open yet.
  void remove_from_ssd(std::uint64_t hash) EXCLUDES(missed_mutex_);

  // What RAM had no room for any more; see RamTier::Options::on_evict.
  void take_evicted(const RamTier& ram, const RamTier::Evicted& evicted);

  // Of 8 bytes each.
  static constexpr std::size_t kMostMissed = 1 << 20;

 private:
  static void take_slice(SsdTier& ssd, const Object& slice, bool reused);

  std::unique_ptr<SsdTier> owned_ssd_;
  std::atomic<SsdTier*> ssd_{nullptr};
  std::unique_ptr<memcached::Fleet> fleet_;
  std::optional<memcached::HotObjects> hot_;
  RecentRemovals removals_;
  bool expects_ssd_ = false;
  Mutex missed_mutex_;
  // Hashes of what was removed while SSD was not there.
  std::vector<std::uint64_t> missed_ GUARDED_BY(missed_mutex_);
  bool missed_too_many_ GUARDED_BY(missed_mutex_) = false;
};

}  // namespace meridian::edge
