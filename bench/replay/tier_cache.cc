#include "bench/replay/tier_cache.h"

#include "bench/replay/object_hash.h"

namespace meridian::replay {

TierCache::TierCache(std::unique_ptr<EvictionPolicy> policy, const Sizes& sizes, std::uint64_t capacity,
                     OnEvict on_evict)
    : Cache(sizes, capacity),
      policy_(std::move(policy)),
      on_evict_(std::move(on_evict)),
      entries_(sizes.size()) {
  policy_->set_capacity(capacity);
}

bool TierCache::request(ObjectId id) {
  if (find(id)) return true;
  put(id);
  return false;
}

bool TierCache::find(ObjectId id) {
  Entry& entry = entries_[id];
  if (entry.held && entry.frequency < EvictionPolicy::kMaxFrequency) ++entry.frequency;
  return entry.held;
}

void TierCache::put(ObjectId id) {
  while (used_ + bytes_of(id) > capacity_) {
    const auto victim = policy_->evict(*this);
    if (!victim) break;
    used_ -= bytes_of(victim->id);
    entries_[victim->id] = {};
    if (on_evict_) on_evict_(victim->id, victim->reused);
  }
  entries_[id] = {true, 0};
  used_ += bytes_of(id);
  policy_->insert(id, *this);
}

std::uint64_t TierCache::hash(EntryId id) { return hash_of(id); }

void TierCache::set_frequency(EntryId id, unsigned frequency) {
  entries_[id].frequency = static_cast<unsigned char>(frequency);
}

}  // namespace meridian::replay
