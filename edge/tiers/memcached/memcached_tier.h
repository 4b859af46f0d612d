#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "edge/tiers/memcached/fleet.h"
#include "edge/tiers/memcached/line.h"
#include "edge/tiers/tier.h"

namespace meridian {

// The region's memcached as one worker uses it: a line to each server, on the worker's loop. A get is
// answered within its budget, whatever the servers do; writes and removals are on their way when the call
// returns, and nobody hears how they end. What comes back is whole, of that key, and as some edge of the
// region has put it; how old that is, is for whoever knows the purges to judge (fill_seq): a removal that
// fails leaves what it should have removed.
//
// On its worker's loop; outlived by the loop, the resolver and the fleet. A lookup that is alive when the
// tier goes is never answered.
class MemcachedTier final : public Tier {
 public:
  using Done = std::function<void(Ref<const Object>)>;
  MemcachedTier(EventLoop& loop, Resolver& resolver, memcached::Fleet& fleet);

  // Destroying what it returns cancels; `done` is called once, never inside find(). Nullptr: a miss that is
  // known at once (breaker open, too much waiting), and `done` is not called.
  [[nodiscard]] std::unique_ptr<Operation> find(std::string_view key, Done done);
  // Nothing is asked that has not been answered.
  bool idle() const;
  // Asks all servers how they are now; stats() knows when idle() again. It happens by itself, too.
  void refresh();

  std::string_view name() const override { return "memcached"; }
  void get(std::string_view key, Done done) override;
  // What is too large, or of no use for long enough, is refused, and what the key had is removed.
  void put(Ref<const Object> object) override;
  void remove(std::string_view key) override;
  // Of the whole process; objects, bytes and evictions are the servers' own, as of their last answer.
  TierStats stats() const override { return fleet_.stats(); }

 private:
  memcached::Line& line_of(const memcached::WireKey& key) { return *lines_[fleet_.server_of(key)]; }
  void look_after();

  EventLoop& loop_;
  memcached::Fleet& fleet_;
  std::vector<std::unique_ptr<memcached::Line>> lines_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Operation>> gets_;  // of get(), whose asker holds nothing
  std::uint64_t next_get_ = 0;
  Timer stats_timer_;
};

}  // namespace meridian
