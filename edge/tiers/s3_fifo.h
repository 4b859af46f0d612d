#pragma once

#include <memory>

#include "edge/tiers/eviction_policy.h"
#include "edge/tiers/ghost_queue.h"
#include "edge/tiers/paged_array.h"

namespace meridian {

// S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023), by bytes. New objects
// pass a small queue; those that were asked for again in it move to the main queue, the others leave and are
// remembered by the ghost queue; whoever comes back while remembered enters the main queue at once. The main
// queue gives each object as many further rounds as it was asked for, up to three.
class S3Fifo final : public EvictionPolicy {
 public:
  struct Options {
    double small_share = 0.1;  // of the capacity, in bytes
    // Hits in the small queue that lead to the main queue. The paper asks for two; bench/replay_bench finds
    // one better wherever many objects are asked for only once, and as good elsewhere.
    unsigned promote_frequency = 1;
  };
  explicit S3Fifo(const Options& options) : options_(options) {}

  void set_capacity(std::uint64_t bytes) override;
  void insert(EntryId id, std::uint64_t hash, std::uint64_t bytes) override;
  void erase(EntryId id, std::uint64_t bytes) override;
  void resize(EntryId id, std::uint64_t old_bytes, std::uint64_t new_bytes) override;
  std::optional<Victim> evict(Entries& entries) override;
  std::size_t footprint_bytes() const override { return links_.footprint_bytes() + ghost_.footprint_bytes(); }

  std::uint64_t small_bytes() const { return small_.bytes; }
  std::uint64_t main_bytes() const { return main_.bytes; }

  // Objects that one evict() may give another round before it takes the next one regardless: finding a victim
  // must not hold up a worker when everything is popular.
  static constexpr unsigned kMaxRounds = 256;

 private:
  static constexpr EntryId kNone = kMaxEntries + 1;
  static constexpr std::uint32_t kInMain = 0x80000000U;
  // Towards the newer and the older neighbour in the same queue; the top bit of `newer` says which queue.
  struct Link {
    std::uint32_t newer;
    EntryId older;
  };
  struct Queue {
    EntryId newest = kNone;
    EntryId oldest = kNone;
    std::uint64_t bytes = 0;
    std::uint64_t count = 0;
    std::uint32_t mark = 0;
  };

  Queue& queue_of(EntryId id) { return (links_[id].newer & kInMain) != 0 ? main_ : small_; }
  void push(Queue& queue, EntryId id, std::uint64_t bytes);
  void unlink(Queue& queue, EntryId id, std::uint64_t bytes);
  // Moves the oldest of the small queue on: to the main queue (none is returned) or out.
  std::optional<Victim> pass_small(Entries& entries);
  std::optional<Victim> pass_main(Entries& entries, bool spare);

  Options options_;
  std::uint64_t small_target_bytes_ = 0;
  Queue small_;
  Queue main_{.mark = kInMain};
  PagedArray<Link, 512> links_;
  GhostQueue ghost_;
};

}  // namespace meridian
