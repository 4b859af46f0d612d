#pragma once

#include <deque>
#include <functional>

#include "bench/replay/simulate.h"
#include "bench/replay/tier_cache.h"
#include "edge/soon_again.h"
#include "edge/tiers/admission.h"

namespace meridian::replay {

// RAM before SSD, without bytes: the edge's own eviction, admission, reinsertion and promotion policies, and
// a log of segments of which the oldest is given up when room is needed. What RAM evicts is offered to SSD,
// as is what is too large for RAM; what SSD serves again soon is promoted. Not thread-safe.
class TwoLevel {
 public:
  // Of a record in a segment that is given up: how often it was read, its bytes, the share of the segment
  // that is kept already, and how scarce writes are (ssd::ReinsertionPolicy).
  using Keep = std::function<bool(unsigned uses, std::uint64_t bytes, double share, double scarcity)>;
  struct Options {
    std::uint64_t ram_bytes = 0;
    double max_ram_share = 0.1;  // an object larger than this share of RAM passes it by
    std::uint64_t ssd_bytes = 0;
    std::uint64_t segment_bytes = 0;  // 0: a hundredth of the SSD
    std::unique_ptr<EvictionPolicy> eviction;
    std::unique_ptr<AdmissionPolicy> admission;
    std::uint64_t write_budget = 0;  // bytes a day; 0: none
    // What SSD serves again before it has served this share of RAM's bytes in between is promoted; as a
    // worker of the edge does it (edge/store.cc).
    double promotion_window = 0.25;
    Keep keep;
  };
  struct Counts {
    double requests = 0, ram_hits = 0, ssd_hits = 0;
    double bytes = 0, ram_hit_bytes = 0, ssd_hit_bytes = 0;
    double written_bytes = 0;     // to SSD, all told
    double reinserted_bytes = 0;  // of these
    double promotions = 0;        // objects copied from SSD to RAM
    double days = 0;              // of the trace's time that was counted
  };
  TwoLevel(const Trace& trace, Options options);
  Counts run(double warm_up_share);

 private:
  enum class Found : unsigned char { kNowhere, kRam, kSsd };
  static constexpr unsigned kMostUses = 3;
  static constexpr std::uint32_t kNoSegment = ~std::uint32_t{0};
  struct Segment {
    std::uint32_t number = 0;
    std::uint64_t bytes = 0;
    std::vector<ObjectId> records;
  };
  struct Stored {
    std::uint32_t segment = kNoSegment;
    unsigned char uses = 0;
  };

  Found request(ObjectId id);
  void fetched(ObjectId id);
  void offer(ObjectId id, bool reused);
  void append(ObjectId id);
  void give_up_oldest();

  const Trace& trace_;
  Options options_;
  std::uint64_t max_ram_object_;
  Admission admission_;
  TierCache ram_;
  edge::SoonAgain served_;   // from SSD
  std::deque<Segment> log_;  // newest last, which is being filled
  std::uint32_t next_segment_ = 0;
  std::vector<Stored> stored_;
  std::int64_t now_ms_ = 0;
  Counts counts_;
};

}  // namespace meridian::replay
