#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "lib/base/clock.h"
#include "lib/base/mutex.h"

namespace meridian::ssd {

// What happened to the tier since it was opened. Any thread.
struct Counters {
  using Count = std::atomic<std::uint64_t>;
  Count hits{0}, misses{0}, chunk_hits{0}, chunk_misses{0};
  Count inserts{0}, evictions{0};
  Count refused_by_policy{0}, refused_too_large{0}, shed_writes{0};
  Count shed_reads{0}, slow_reads{0}, read_errors{0};
  Count queued_reads{0}, stalled_reads{0};  // that waited for room, and that waited too long
  Count bad_records{0};                     // a checksum, a key or a place that was not what it must be
  Count dead_records{0};                    // what the judge said no to
  Count write_errors{0}, sync_errors{0};
  Count put_bytes{0};      // of bodies, heads and keys that were taken
  Count written_bytes{0};  // to the disk, all told
  Count read_bytes{0};     // from the disk
  Count reinserted{0}, reinserted_bytes{0};
  Count segments_cleaned{0}, segments_swept{0}, segments_distrusted{0};
};

inline void count(Counters::Count& counter, std::uint64_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);
}

// Whether the disk can be relied on: after a few failures in a row the tier stops asking it, and tries again
// once in a while. Any thread.
class Health {
 public:
  enum class State : std::uint8_t { kOk, kReadOnly, kOff };
  static constexpr unsigned kMostWriteFailures = 3;  // in a row, then: read-only
  static constexpr unsigned kMostReadFailures = 16;  // in a row, then: off
  static constexpr std::int64_t kRetryMs = 10'000;

  explicit Health(const Clock& clock) : clock_(clock) {}
  // False while there is no hope; true lets a try through after kRetryMs.
  bool may_read() { return may(reads_, kMostReadFailures); }
  bool may_write() {
    return !never_write_.load(std::memory_order_relaxed) && may(writes_, kMostWriteFailures);
  }
  void read_ended(int error) { ended(reads_, kMostReadFailures, error, "read"); }
  void write_ended(int error) { ended(writes_, kMostWriteFailures, error, "write"); }
  // For good.
  void forbid_writes(const std::string& reason) EXCLUDES(mutex_);

  State state() const;
  // One sentence; empty while all is well.
  std::string reason() const EXCLUDES(mutex_);

 private:
  struct Line {
    std::atomic<unsigned> failures{0};
    std::atomic<std::int64_t> failed_ms{0};
  };
  bool may(Line& line, unsigned most);
  void ended(Line& line, unsigned most, int error, const char* what) EXCLUDES(mutex_);

  const Clock& clock_;
  Line reads_;
  Line writes_;
  std::atomic<bool> never_write_{false};
  mutable Mutex mutex_;
  std::string reason_ GUARDED_BY(mutex_);
};

}  // namespace meridian::ssd
