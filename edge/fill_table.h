#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "edge/fill.h"
#include "lib/base/mutex.h"

namespace meridian::edge {

// The fills that later askers may join, by key, and the generations that keep a fill from storing what has
// been invalidated meanwhile. Shared by all workers; sharded.
class FillTable {
 public:
  // The running fill for this key, or the one that `make` creates and the caller must produce. `joined` tells
  // which.
  template <class Make>
  std::shared_ptr<Fill> join_or_start(std::uint64_t hash, const std::string& key, bool& joined, Make&& make) {
    Shard& shard = shard_of(hash);
    MutexLock lock(shard.mutex);
    std::shared_ptr<Fill>& entry = shard.fills[key];
    joined = entry != nullptr;
    if (!joined) entry = make();
    return entry;
  }
  // Later askers do not join it any more; those who have joined keep it. Harmless when another fill has come.
  void close(std::uint64_t hash, const std::string& key, const Fill& fill);
  // A running fill is found under this key too, unless another one is there.
  void adopt(std::uint64_t hash, const std::string& key, std::shared_ptr<Fill> fill);

  // Which invalidations the key has seen. A fill notes it before it asks the origin, and stores only if it is
  // still the same.
  std::uint64_t generation(std::uint64_t hash) const {
    return generations_[hash % kGenerations].load(std::memory_order_acquire);
  }
  // The key was invalidated: what was asked for before may not be stored, nor joined by those who come later.
  // Keys share counters: now and then a neighbour's fill goes unstored, which costs one fetch.
  void invalidate(std::uint64_t hash, std::string_view key);

 private:
  static constexpr std::size_t kShards = 64;
  static constexpr std::size_t kGenerations = 4096;
  struct Shard {
    mutable Mutex mutex;
    std::unordered_map<std::string, std::shared_ptr<Fill>> fills GUARDED_BY(mutex);
  };
  Shard& shard_of(std::uint64_t hash) { return shards_[(hash >> 56U) % kShards]; }

  std::array<Shard, kShards> shards_;
  std::array<std::atomic<std::uint64_t>, kGenerations> generations_{};
};

}  // namespace meridian::edge
