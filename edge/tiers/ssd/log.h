#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "edge/tiers/ssd/buffers.h"
#include "edge/tiers/ssd/disk.h"
#include "edge/tiers/ssd/health.h"
#include "edge/tiers/ssd/index.h"
#include "edge/tiers/ssd/record.h"
#include "edge/tiers/ssd/segment_format.h"
#include "edge/tiers/ssd/segments.h"
#include "lib/base/mutex.h"

namespace meridian::ssd {

// What the parts of a tier share. Owned by the tier, which outlives them.
struct Shared {
  Shared(DiskFile& file_in, const Geometry& geometry_in, const Keyring& keyring_in, Index& index_in,
         Segments& segments_in, Counters& counters_in, Health& health_in)
      : file(file_in),
        geometry(geometry_in),
        keyring(keyring_in),
        index(index_in),
        segments(segments_in),
        counters(counters_in),
        health(health_in) {}
  DiskFile& file;
  const Geometry& geometry;
  const Keyring& keyring;
  Index& index;
  Segments& segments;
  Counters& counters;
  Health& health;

  RecordSpot spot_of(std::uint64_t offset) const {
    return {geometry.identity, segments.generation(geometry.segment_of(offset)), offset};
  }
};

// Where records are appended: into batches in memory, which a thread of its own writes in order. The order of
// the records in the log is the order in which they take effect, in the index and after a restart; one lock
// makes it so. A record can be read from the moment it was appended.
//
// Whatever leaves the index leaves the log too: by a tombstone, or with its segment, which is blanked before
// its records are forgotten. So what the index does not find needs no tombstone to stay away.
//
// Any thread may append; the lock is held for one record's copying, or a bounded number of tombstones.
// Nothing blocks on the disk: when the batches that wait reach their bound, an append says so.
class Log {
 public:
  struct Limits {
    std::uint64_t batch_bytes = 1 << 20;
    std::uint64_t buffer_bytes = 32 << 20;  // of all batches that wait
    // How long a batch may wait to be filled, and a removal until the disk is told to make it durable.
    std::int64_t write_after_ms = 1000;
    std::size_t free_segments = 3;  // kept free by the cleaner
  };
  enum class Put : std::uint8_t {
    kDone,
    kFull,  // no memory or no free segment right now: see when_room()
    kOff,   // the disk takes no writes
    kGone,  // another one has taken its place, or it is not valid any more
  };

  // Ends the segments that recovery found without an end, and blanks those that it says.
  Log(const Shared& shared, const Limits& limits, Recovered recovered);
  // Writes what waits, and the end of the open segment.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Asked under the log's lock, before anything changes: so it must be short, and take no lock that is held
  // while the log is called. May be empty.
  using StillValid = std::function<bool()>;
  // Appends, and shows it to readers.
  Put put(const RecordSource& source, const StillValid& still_valid = {}) EXCLUDES(mutex_);
  // Appends what is still found at `from`, in its place.
  Put reinsert(const RecordSource& source, std::uint64_t from) EXCLUDES(mutex_);
  // Its hash finds nothing from now on, and after a restart once a later flush() has said true, or by itself
  // after `write_after_ms` and what the disk takes to write what waits.
  void remove(std::uint64_t hash) EXCLUDES(mutex_);
  // The same for what turned out to be of no use, if the hash still finds what is at `offset`.
  void remove_at(std::uint64_t hash, std::uint64_t offset) EXCLUDES(mutex_);
  // Calls back on the log's thread. True: everything that was removed before is durable, and so is what was
  // appended before, but for what is not found any more and what a sync that failed has left in doubt.
  void flush(std::function<void(bool)> done) EXCLUDES(mutex_);
  // Calls once, on the log's thread, when it may be worth asking again after kFull.
  void when_room(std::function<void()> call) EXCLUDES(mutex_);

  // Bytes at an offset that are not written yet, while they are not.
  struct Waiting {
    Ref<AlignedBuffer> memory;
    char* bytes = nullptr;
    std::uint64_t available = 0;
  };
  std::optional<Waiting> waiting(std::uint64_t offset) EXCLUDES(mutex_);

  std::uint64_t used_bytes() const EXCLUDES(mutex_);
  std::uint64_t generation() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return head_.generation;
  }

  // --- for the cleaner ---
  // What it does next: makes a segment ready to be given up, or forgets one that is given up on the disk.
  struct Chore {
    std::uint32_t segment = 0;
    bool is_given_up = false;
  };
  // Waits for one; nothing: the log ends.
  std::optional<Chore> wait_for_chore() EXCLUDES(mutex_);
  // Blanks the segment on the disk, behind all that was appended before; `moved`: what was written again of
  // its records must be durable before. Comes back as a chore: given up, or once more to be made ready.
  void give_up(std::uint32_t segment, bool moved) EXCLUDES(mutex_);
  void give_free(std::uint32_t segment) EXCLUDES(mutex_);
  // After kFull: waits a while for a batch to be written. False: there is no segment to write to, and only
  // the caller can make one.
  bool wait_for_batch() EXCLUDES(mutex_);
  // Ends wait_for_chore().
  void stop_cleaning() EXCLUDES(mutex_);
  // True while the cleaner has something to do.
  bool wants_cleaning() const EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return cleaning_ || giving_up_ > 0 || (wants_segments() && segments_.sealed_count() > 0);
  }

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  // What the thread does next.
  struct Job {
    enum class Kind : std::uint8_t {
      kBatch,   // writes `memory`
      kEnd,     // writes the table of contents of a segment
      kGiveUp,  // blanks a segment
      kBlank,   // the same with one that recovery dropped; nobody waits for it
      kSync,    // makes what was written durable
    };
    Kind kind = Kind::kSync;
    SegmentHead head = {};  // the segment that it is about
    Ref<AlignedBuffer> memory = {};
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
    std::vector<TocEntry> entries = {};  // of the batch or the segment
    bool after_sync = false;             // of kGiveUp
    // Of kSync: whom to tell, if anybody; that nothing it vouches for has failed, and is behind it.
    std::function<void(bool)> durable = {};
    bool is_sound = true;
    bool has_all_removals = true;
    std::size_t removals_left = 0;
  };
  // The last free segment is for what the cleaner writes again, and for tombstones: while it is in use,
  // nobody else appends. Without it, giving up segments under load would lose what is worth keeping.
  static constexpr std::size_t kReservedSegments = 1;
  // Of the tombstones that wait, how many are dealt with before the lock is free for others again.
  static constexpr std::size_t kTombstonesAtOnce = 256;
  enum class Writer : std::uint8_t { kAnyone, kReserved };
  bool has_segment(Writer writer) const REQUIRES(mutex_) {
    if (writer == Writer::kReserved) return head_.generation != 0 || segments_.free_count() > 0;
    return segments_.free_count() >= kReservedSegments + (head_.generation == 0 ? 1 : 0);
  }
  char* reserve(std::uint64_t bytes, Writer writer, std::uint64_t* offset) REQUIRES(mutex_);
  bool fits(std::uint64_t bytes) const REQUIRES(mutex_);
  bool open_batch() REQUIRES(mutex_);
  void close_batch() REQUIRES(mutex_);
  void close_segment() REQUIRES(mutex_);
  void push(Job job) REQUIRES(mutex_);
  Put append(const RecordSource& source, Writer writer, Place* place) REQUIRES(mutex_);
  // Of those that wait, as many as may be appended in one turn.
  void append_tombstones() REQUIRES(mutex_);
  bool append_tombstone(std::uint64_t hash) REQUIRES(mutex_);
  void want_tombstone(std::uint64_t hash) REQUIRES(mutex_);
  void push_sync(std::function<void(bool)> durable) REQUIRES(mutex_);
  bool has_room() const REQUIRES(mutex_);
  bool wants_segments() const REQUIRES(mutex_) {
    return segments_.free_count() + giving_up_ < limits_.free_segments;
  }

  // The log's thread.
  void run();
  Job* next_job() EXCLUDES(mutex_);
  void wait_for_work() REQUIRES(mutex_);
  void look_at_clock() REQUIRES(mutex_);
  void perform(Job& job) EXCLUDES(mutex_);
  int write(std::uint64_t offset, const char* from, std::uint64_t bytes);
  bool sync() EXCLUDES(mutex_);
  void write_batch(const Job& job) EXCLUDES(mutex_);
  void write_end(const Job& job) EXCLUDES(mutex_);
  void note_progress(std::uint64_t generation);
  void give_up(const Job& job) EXCLUDES(mutex_);
  bool blank(const GivenUp& given_up);
  void vouch(Job& job) EXCLUDES(mutex_);
  bool wait_for_removals(Job& job) EXCLUDES(mutex_);
  void forget(const Job& job) EXCLUDES(mutex_);
  void want_tombstones(const std::vector<std::uint64_t>& hashes) EXCLUDES(mutex_);
  void doubt() EXCLUDES(mutex_);
  void finish_job() EXCLUDES(mutex_);

  const Shared& shared_;
  Segments& segments_;
  const Limits limits_;
  const std::shared_ptr<BufferPool> pool_;

  mutable Mutex mutex_;
  CondVar work_;
  CondVar victim_;
  CondVar written_;
  SegmentHead head_ GUARDED_BY(mutex_);                       // of the open segment; generation 0: none
  std::uint64_t used_ GUARDED_BY(mutex_) = 0;                 // of the open segment, by closed batches
  std::vector<TocEntry> toc_ GUARDED_BY(mutex_);              // of the open segment
  Ref<AlignedBuffer> batch_ GUARDED_BY(mutex_);               // being filled
  std::uint64_t filled_ GUARDED_BY(mutex_) = 0;               // of it
  std::size_t batch_begin_ GUARDED_BY(mutex_) = 0;            // the first of its records in toc_
  TimePoint batch_due_ GUARDED_BY(mutex_);                    // when it is written at the latest
  std::deque<Job> jobs_ GUARDED_BY(mutex_);                   // the first may be under way
  std::vector<std::uint64_t> tombstones_ GUARDED_BY(mutex_);  // not yet in a batch
  // When the oldest removal that is not durable must be made so; none: there is no such one.
  std::optional<TimePoint> removals_due_ GUARDED_BY(mutex_);
  std::vector<std::function<void()>> room_calls_ GUARDED_BY(mutex_);
  bool lost_tombstones_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool cleaning_stops_ GUARDED_BY(mutex_) = false;
  bool cleaning_ GUARDED_BY(mutex_) = false;
  std::size_t giving_up_ GUARDED_BY(mutex_) = 0;           // segments on their way to be free
  std::deque<std::uint32_t> given_up_ GUARDED_BY(mutex_);  // of them, those that the disk has forgotten
  TimePoint pause_until_ GUARDED_BY(mutex_);               // after the disk did not take it
  std::vector<std::uint64_t> unsynced_removals_;           // written since the last sync; the thread's own
  std::thread thread_;
};

}  // namespace meridian::ssd
