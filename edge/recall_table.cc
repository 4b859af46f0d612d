#include "edge/recall_table.h"

#include <algorithm>
#include <utility>

#include "lib/base/check.h"

namespace meridian::edge {

std::shared_ptr<Fill> RecallTable::join_or_begin(std::uint64_t hash, std::uint32_t generation,
                                                 FillBoard& board, const void* ticket) {
  Shard& shard = shard_of(hash);
  MutexLock lock(shard.mutex);
  for (Entry& entry : shard.entries) {
    if (entry.hash != hash || entry.generation != generation) continue;
    if (entry.fill == nullptr) entry.fill = std::make_shared<Fill>("recall", *entry.board);
    return entry.fill;
  }
  shard.entries.push_back({hash, ticket, &board, generation, nullptr});
  return nullptr;
}

std::shared_ptr<Fill> RecallTable::end(std::uint64_t hash, const void* ticket) {
  Shard& shard = shard_of(hash);
  MutexLock lock(shard.mutex);
  const auto entry = std::find_if(shard.entries.begin(), shard.entries.end(),
                                  [ticket](const Entry& each) { return each.ticket == ticket; });
  CHECK(entry != shard.entries.end());
  std::shared_ptr<Fill> fill = std::move(entry->fill);
  *entry = std::move(shard.entries.back());
  shard.entries.pop_back();
  return fill;
}

}  // namespace meridian::edge
