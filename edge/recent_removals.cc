#include "edge/recent_removals.h"

#include <algorithm>

#include "edge/tiers/object.h"

namespace meridian::edge {

void RecentRemovals::note(std::uint64_t hash, std::int64_t now_s) {
  MutexLock lock(mutex_);
  has_any_.store(true, std::memory_order_release);
  times_[hash] = now_s;
  order_.push_back({hash, now_s});
  if (order_.size() <= kMost) return;
  const Entry oldest = order_.front();
  order_.pop_front();
  const auto found = times_.find(oldest.hash);
  // A key that was removed again since stays with its later time.
  if (found == times_.end() || found->second != oldest.time_s) return;
  forgotten_s_ = std::max(forgotten_s_, oldest.time_s);
  times_.erase(found);
}

bool RecentRemovals::covers(std::uint64_t hash, std::int64_t response_time_s, bool with_forgotten) const {
  if (!has_any_.load(std::memory_order_acquire)) return false;
  MutexLock lock(mutex_);
  if (with_forgotten && response_time_s <= forgotten_s_) return true;
  const auto found = times_.find(hash);
  return found != times_.end() && response_time_s <= found->second;
}

std::optional<std::int64_t> RecentRemovals::time_of(std::uint64_t hash) const {
  MutexLock lock(mutex_);
  const auto found = times_.find(hash);
  return found == times_.end() ? std::nullopt : std::optional(found->second);
}

std::uint64_t primary_hash_of(std::string_view key) { return hash_of_key(key.substr(0, key.find('\n'))); }

}  // namespace meridian::edge
