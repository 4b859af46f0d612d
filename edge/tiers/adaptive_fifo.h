#pragma once

#include "edge/tiers/eviction_policy.h"
#include "edge/tiers/frequency_sketch.h"
#include "edge/tiers/ghost_queue.h"
#include "edge/tiers/paged_array.h"

namespace meridian {

// Two queues and what they remember, after S3-FIFO (Yang et al., "FIFO queues are all you need for cache
// eviction", SOSP 2023), with a duel that adapts itself. By bytes.
//
// New objects pass a small queue; those that were asked for again in it move to the main queue, the others
// leave and are remembered as ghosts. The main queue gives each object as many further rounds as it was asked
// for, up to kMaxFrequency.
//
// Who comes back while remembered may enter the main queue at once, which S3-FIFO always allows. Here it has
// to be worth more than the oldest of the main queue (TinyLFU, Einziger et al., 2017), where worth is how
// often an object was seen lately, and less for large objects. That is right while popularity stays as it is,
// and wrong while it moves on: what was popular yesterday then keeps out what is popular now. So the newcomer
// gets an advantage, which follows from mistakes: it grows each time somebody who lost a duel is asked for
// again, and shrinks each time somebody who left the main queue is. As the same number of either is
// remembered, it comes to rest where one more object of each kind is equally likely to be asked for.
class AdaptiveFifo final : public EvictionPolicy {
 public:
  struct Options {
    double small_share = 0.03;  // of the capacity, in bytes
    // How much worth falls as size grows: 0 not at all, 1 in proportion. Objects that are large take more
    // hits away from others than they give; bench/replay finds that this much gives a better ratio of
    // requests everywhere and hardly touches the ratio of bytes.
    double size_weight = 0.3;
  };
  explicit AdaptiveFifo(const Options& options) : options_(options) {}

  void set_capacity(std::uint64_t bytes) override;
  void insert(EntryId id, Entries& entries) override;
  void erase(EntryId id, std::uint64_t bytes) override;
  void resize(EntryId id, std::uint64_t old_bytes, std::uint64_t new_bytes) override;
  std::optional<Victim> evict(Entries& entries) override;
  std::size_t footprint_bytes() const override;

  std::uint64_t small_bytes() const { return small_.bytes; }
  std::uint64_t main_bytes() const { return main_.bytes; }
  // What is added to a newcomer's worth.
  double advantage() const { return advantage_; }

  static constexpr double kLeastAdvantage = -1;
  static constexpr double kMostAdvantage = FrequencySketch::kMax + 1;
  static constexpr double kAdvantageStep = 0.02;
  // Objects that one evict() may let go on, in either queue, before it takes the next one regardless: finding
  // a victim must not hold up a worker when everything is popular.
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
  // Moves the oldest of the small queue on: to the main queue (none is returned) or out. Without `spare` it
  // leaves however often it was asked for.
  std::optional<Victim> pass_small(Entries& entries, bool spare);
  std::optional<Victim> pass_main(Entries& entries, bool spare);

  void remember_as_many_as_are_held();
  // Somebody is asked for again: whom we were wrong about.
  void learn_from(std::uint64_t hash);
  bool wins_duel(EntryId newcomer, Entries& entries) const;
  double worth(EntryId id, Entries& entries) const;

  Options options_;
  std::uint64_t small_target_bytes_ = 0;
  std::uint64_t main_target_bytes_ = 0;
  Queue small_;
  Queue main_{.mark = kInMain};
  PagedArray<Link, 512> links_;
  FrequencySketch sketch_;
  GhostQueue ghosts_;     // left the small queue
  GhostQueue losers_;     // lost a duel lately
  GhostQueue displaced_;  // left the main queue lately
  double advantage_ = 0;
};

}  // namespace meridian
