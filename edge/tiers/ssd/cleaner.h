#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "edge/tiers/object.h"
#include "edge/tiers/ssd/log.h"

namespace meridian::ssd {

// Which records stay when the segment that holds them is given up. Called on one thread.
class ReinsertionPolicy {
 public:
  virtual ~ReinsertionPolicy() = default;
  // `uses`: how often it was asked for since it was written, up to Place::kMostFrequency. `share`: how much
  // of the segment is being kept already. `scarcity`: 0 when plenty may be written, 1 when nothing.
  virtual bool keep(unsigned uses, std::uint64_t bytes, double share, double scarcity) = 0;
};

// Keeps what was used, asking for more uses as writes grow scarce or as more of the segment is kept.
class KeepWhatIsUsed final : public ReinsertionPolicy {
 public:
  bool keep(unsigned uses, std::uint64_t bytes, double share, double scarcity) override;
};

// Gives up the oldest segments, so that some are always free: writes again what the policy keeps, lets the
// log blank the segment on the disk, and then takes the rest of its records out of the index. In this order,
// what has left the index can never come back with a restart. A thread of its own.
class Cleaner {
 public:
  struct Options {
    ReinsertionPolicy& policy;
    std::function<bool(std::string_view key, const ObjectMeta& meta)> is_dead;  // may be empty
    std::function<double()> scarcity;                                           // 0..1
    std::function<void(std::uint64_t bytes)> charge;                            // what was written again
  };
  Cleaner(const Shared& shared, Log& log, Options options);
  // Ends after the segment that is being cleaned.
  ~Cleaner();
  Cleaner(const Cleaner&) = delete;
  Cleaner& operator=(const Cleaner&) = delete;

 private:
  void run();
  void make_ready(std::uint32_t segment);
  void drop(std::uint32_t segment);
  // True when it was written again.
  bool reinsert(const Place& place, std::uint64_t hash);
  bool write_again(const RecordView& view, std::uint64_t from);

  const Shared& shared_;
  Log& log_;
  const Options options_;
  const std::shared_ptr<BufferPool> pool_;
  // Of segments that are being given up; one without a table of contents is not here. The thread's own.
  std::unordered_map<std::uint32_t, std::vector<TocEntry>> entries_;
  std::thread thread_;
};

}  // namespace meridian::ssd
