#include "edge/fill_table.h"

namespace meridian::edge {

void FillTable::close(std::uint64_t hash, const std::string& key, const Fill& fill) {
  Shard& shard = shard_of(hash);
  MutexLock lock(shard.mutex);
  const auto found = shard.fills.find(key);
  if (found != shard.fills.end() && found->second.get() == &fill) shard.fills.erase(found);
}

void FillTable::adopt(std::uint64_t hash, const std::string& key, std::shared_ptr<Fill> fill) {
  Shard& shard = shard_of(hash);
  MutexLock lock(shard.mutex);
  shard.fills.try_emplace(key, std::move(fill));
}

void FillTable::invalidate(std::uint64_t hash, std::string_view key) {
  generations_[hash % kGenerations].fetch_add(1, std::memory_order_acq_rel);
  Shard& shard = shard_of(hash);
  MutexLock lock(shard.mutex);
  shard.fills.erase(std::string(key));
}

}  // namespace meridian::edge
