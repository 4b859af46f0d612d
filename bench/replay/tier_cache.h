#pragma once

#include <functional>

#include "bench/replay/cache.h"
#include "edge/tiers/eviction_policy.h"

namespace meridian::replay {

// The RAM tier without its bytes: the tier's own EvictionPolicy behind what the tier tells it, and nothing
// that decides here. Ids of the trace serve as entry ids.
class TierCache final : public Cache, EvictionPolicy::Entries {
 public:
  using OnEvict = std::function<void(ObjectId id, bool reused)>;
  TierCache(std::unique_ptr<EvictionPolicy> policy, const Sizes& sizes, std::uint64_t capacity,
            OnEvict on_evict = {});
  bool request(ObjectId id) override;
  // The two halves of request(), for what has another tier behind it.
  bool find(ObjectId id);
  void put(ObjectId id);

 private:
  std::uint64_t bytes(EntryId id) override { return bytes_of(id); }
  std::uint64_t hash(EntryId id) override;
  unsigned frequency(EntryId id) override { return entries_[id].frequency; }
  void set_frequency(EntryId id, unsigned frequency) override;

  struct Entry {
    bool held = false;
    unsigned char frequency = 0;
  };
  std::unique_ptr<EvictionPolicy> policy_;
  OnEvict on_evict_;
  std::vector<Entry> entries_;
};

}  // namespace meridian::replay
