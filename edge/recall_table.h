#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "edge/fill.h"
#include "lib/base/mutex.h"

namespace meridian::edge {

// Which keys the cold tiers are being asked for, by all workers: nothing is read twice at once. Mostly one
// waits for a key, and then this is a place in a short list. Who comes meanwhile waits for a fill, which is
// made for the first of them. Keys are told apart by their hash alone: who gets the object of another key
// finds that out, and has lost a moment. Thread-safe; sharded.
class RecallTable {
 public:
  // Empty: nobody asks for it, and the caller does so now, under this ticket, until end(). Otherwise what the
  // caller waits for. `generation` is that of the primary key: what began before the last invalidation is not
  // joined. `board` is that of the caller's worker.
  std::shared_ptr<Fill> join_or_begin(std::uint64_t hash, std::uint32_t generation, FillBoard& board,
                                      const void* ticket);
  // Who waits is to be told by this fill; empty: nobody waits.
  std::shared_ptr<Fill> end(std::uint64_t hash, const void* ticket);

 private:
  static constexpr std::size_t kShards = 64;
  struct Entry {
    std::uint64_t hash;
    const void* ticket;
    FillBoard* board;
    std::uint32_t generation;
    std::shared_ptr<Fill> fill;
  };
  struct alignas(64) Shard {
    Mutex mutex;
    std::vector<Entry> entries GUARDED_BY(mutex);
  };
  Shard& shard_of(std::uint64_t hash) { return shards_[(hash >> 56U) % kShards]; }

  std::array<Shard, kShards> shards_;
};

}  // namespace meridian::edge
