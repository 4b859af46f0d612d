#include "edge/fill_table.h"

namespace meridian::edge {

std::shared_ptr<Fill> FillTable::find(std::uint64_t hash, const std::string& key,
                                      std::uint64_t primary_hash) {
  const std::uint32_t now = generation(primary_hash);
  Shard& shard = shard_of(hash);
  MutexLock lock(shard.mutex);
  const auto found = shard.fills.find(key);
  return found != shard.fills.end() && found->second.generation == now ? found->second.fill : nullptr;
}

void FillTable::close(std::uint64_t hash, const std::string& key, const Fill& fill) {
  Shard& shard = shard_of(hash);
  MutexLock lock(shard.mutex);
  const auto found = shard.fills.find(key);
  if (found != shard.fills.end() && found->second.fill.get() == &fill) shard.fills.erase(found);
}

void FillTable::adopt(std::uint64_t hash, const std::string& key, std::uint64_t primary_hash,
                      std::uint32_t began_at, std::shared_ptr<Fill> fill) {
  const std::uint32_t now = generation(primary_hash);
  if (began_at != now) return;
  Shard& shard = shard_of(hash);
  MutexLock lock(shard.mutex);
  Entry& entry = shard.fills[key];
  if (entry.fill == nullptr || entry.generation != now) entry = {std::move(fill), now};
}

}  // namespace meridian::edge
