#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "edge/fill.h"
#include "lib/base/mutex.h"

namespace meridian::edge {

// The fills that later askers may join, by key, and the generations that keep a fill from storing what has
// been invalidated meanwhile. Shared by all workers; sharded.
class FillTable {
 public:
  // The running fill for this key, or the one that `make` creates and the caller must produce. `joined` tells
  // which. A fill that began before the last invalidation of its primary key is not joined, whatever key it
  // is found under.
  template <class Make>
  std::shared_ptr<Fill> join_or_start(std::uint64_t hash, const std::string& key, std::uint64_t primary_hash,
                                      bool& joined, Make&& make) {
    const std::uint32_t now = generation(primary_hash);
    Shard& shard = shard_of(hash);
    MutexLock lock(shard.mutex);
    Entry& entry = shard.fills[key];
    joined = entry.fill != nullptr && entry.generation == now;
    if (!joined) entry = {make(), now};
    return entry.fill;
  }
  // The running fill for this key, if it may be joined; else nullptr.
  std::shared_ptr<Fill> find(std::uint64_t hash, const std::string& key, std::uint64_t primary_hash);
  // Later askers do not join it any more; those who have joined keep it. Harmless when another fill has come.
  void close(std::uint64_t hash, const std::string& key, const Fill& fill);
  // A running fill, begun at that generation of its primary key, is found under this key too, unless another
  // one is there that is as good.
  void adopt(std::uint64_t hash, const std::string& key, std::uint64_t primary_hash, std::uint32_t began_at,
             std::shared_ptr<Fill> fill);

  // Which invalidations the key has seen. A fill notes it before it asks the origin, and stores only if it is
  // still the same.
  std::uint32_t generation(std::uint64_t hash) const {
    return generations_[hash % kGenerations].load(std::memory_order_acquire);
  }
  // The key was invalidated: what was asked for before may not be stored, nor joined by those who come later.
  // Keys share counters: now and then a neighbour's fill goes unstored, which costs one fetch.
  void invalidate(std::uint64_t hash) {
    generations_[hash % kGenerations].fetch_add(1, std::memory_order_acq_rel);
  }

 private:
  static constexpr std::size_t kShards = 64;
  static constexpr std::size_t kGenerations = std::size_t{1} << 17U;
  struct Entry {
    std::shared_ptr<Fill> fill;
    std::uint32_t generation = 0;  // of the primary key, when it began
  };
  struct Shard {
    mutable Mutex mutex;
    std::unordered_map<std::string, Entry> fills GUARDED_BY(mutex);
  };
  Shard& shard_of(std::uint64_t hash) { return shards_[(hash >> 56U) % kShards]; }

  std::array<Shard, kShards> shards_;
  std::vector<std::atomic<std::uint32_t>> generations_ =
      std::vector<std::atomic<std::uint32_t>>(kGenerations);
};

}  // namespace meridian::edge
