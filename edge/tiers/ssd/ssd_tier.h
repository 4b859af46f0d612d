#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "edge/tiers/admission.h"
#include "edge/tiers/object.h"
#include "edge/tiers/ssd/cleaner.h"
#include "edge/tiers/ssd/health.h"
#include "edge/tiers/ssd/log.h"
#include "edge/tiers/ssd/read_queue.h"
#include "edge/tiers/ssd/ssd_large.h"
#include "edge/tiers/tier.h"
#include "lib/base/clock.h"

namespace meridian {

class SsdFill;

enum class SsdIo : std::uint8_t { kAuto, kUring, kThreads };

// Of an open() that runs on another thread.
struct SsdOpenProgress {
  std::atomic<bool> stop{false};           // set: it ends soon, and fails
  std::atomic<bool> is_recovering{false};  // the file was had, and is being looked through
};

struct SsdOptions {
  std::string path;                 // a folder; the tier keeps its file there
  std::uint64_t size_bytes = 0;     // of the file
  std::uint64_t segment_bytes = 0;  // 0: by size
  std::uint64_t chunk_bytes = 256 << 10;
  std::uint64_t buffer_bytes = 32 << 20;        // for what waits to be written
  std::uint64_t read_buffer_bytes = 256 << 20;  // for what was read and is on its way out, of all workers
  // How long what was put may wait to be written, and a removal until the disk is told to make it durable.
  std::int64_t write_after_ms = 1000;
  double max_object_share = 0.25;
  std::string key_file;  // encryption at rest; see ssd/keyring.h
  SsdIo io = SsdIo::kAuto;
  unsigned read_threads = 4;        // where io_uring is not used
  unsigned recovery_threads = 0;    // 0: by cores
  unsigned reads_per_worker = 128;  // under way; further ones are misses, or wait: see WhenBusy
  unsigned waiting_reads = 4096;    // in one worker
  std::int64_t read_timeout_ms = 1000;
  std::int64_t stall_timeout_ms = 30'000;  // of reads that wait
  // What is worth writing (none: everything), under a budget of bytes a day (0: none).
  std::unique_ptr<AdmissionPolicy> admission = {};
  std::uint64_t write_budget_bytes = 0;
  // Whether what was found may not be used any more; on any thread. For purges (planned; see PurgeJournal):
  // the edge sets none yet.
  std::function<bool(std::string_view key, const ObjectMeta& meta)> is_dead = {};
  std::unique_ptr<ssd::ReinsertionPolicy> reinsertion = {};  // none: ssd::KeepWhatIsUsed
  ssd::Disk* disk = nullptr;                                 // none: the machine's
  const Clock* clock = nullptr;                              // none: the machine's
  bool start_empty = false;                                  // what the file holds is dropped
  SsdOpenProgress* progress = nullptr;                       // used by open() only
};

// The cold tier: a log of segments in one preallocated file, shared by all workers. Writing is by any thread
// and never waits for the disk; reading is through one SsdReader for each worker. The order of what is put
// and removed is the order in which it takes effect, also after a crash. docs/tiers.md has the format on disk
// and what is promised.
//
// Owns the file, the index and three kinds of thread: the log's, the cleaner's, and those that read where
// io_uring cannot. Outlives its readers and fills.
class SsdTier {
 public:
  // Reads what an earlier process left. Fails when the file cannot be had: another process has it (then the
  // error is retryable), the disk is full, the keys cannot be read.
  [[nodiscard]] static Result<std::unique_ptr<SsdTier>> open(SsdOptions options);
  ~SsdTier();
  SsdTier(const SsdTier&) = delete;
  SsdTier& operator=(const SsdTier&) = delete;

  using StillValid = ssd::Log::StillValid;
  struct Offer {
    StillValid still_valid = {};  // asked as in RamTier::put_if()
    bool reused = false;          // it was asked for again while it was in RAM
  };
  // A refused object leaves no older one behind; when `still_valid` says no, nothing new is found. Whether it
  // was put.
  bool put(const Ref<const Object>& object, const Offer& offer);
  bool put(const Ref<const Object>& object) { return put(object, Offer()); }
  // What is there of an object has a newer head from now on, that of `fresh`; its body is the one that is
  // there. A body of up to a chunk is written again with it, a larger one is not. Whoever calls knows that it
  // is still there. False: it was not written, for want of budget or room, and the older head stays.
  bool freshen(const Object& fresh, const StillValid& still_valid);
  bool freshen(const SsdLarge& large, const ObjectMeta& meta, std::string_view head,
               const StillValid& still_valid);
  void remove(std::string_view key) { remove(hash_of_key(key)); }
  void remove(std::uint64_t hash) { log_->remove(hash); }
  // Calls back on a thread of the tier. True: all that was removed before survives a crash, and so does what
  // was put, but for what is not found any more and what a sync that failed has left in doubt.
  void flush(std::function<void(bool)> done);
  // From now on; 0: none.
  void set_write_budget(std::uint64_t bytes_per_day) EXCLUDES(admission_mutex_);

  // A body that comes in pieces; of unknown length unless told. Empty: the tier does not want it.
  std::unique_ptr<SsdFill> begin(std::string_view key, const ObjectMeta& meta, std::string_view head,
                                 std::optional<std::uint64_t> length, bool reused = false);
  // An object that is found before any of its body is there: chunks are put in any order. Empty: refused.
  std::shared_ptr<const SsdLarge> begin_chunks(std::string_view key, const ObjectMeta& meta,
                                               std::string_view head, std::uint64_t length);
  bool put_chunk(const SsdLarge& object, std::uint64_t chunk, std::span<const Slice> bytes);
  // begin_chunks() in two steps, for one who must be the first elsewhere before the head is written: nobody
  // finds the object before the second one. False: the disk does not take it now.
  std::shared_ptr<const SsdLarge> prepare_chunks(std::string_view key, const ObjectMeta& meta,
                                                 std::string_view head, std::uint64_t length);
  bool show_chunks(const SsdLarge& object);
  bool takes_chunks(std::string_view key, std::string_view head, std::uint64_t length) const {
    return health_.state() == ssd::Health::State::kOk && fits(key, head, length);
  }
  // Whole chunks from byte `begin` on, if they are worth writing; `unit` is a hash by which admission knows
  // these very bytes again. False: they are not all there.
  bool offer_chunks(const SsdLarge& object, std::uint64_t begin, std::span<const Slice> body,
                    std::uint64_t unit, bool reused);
  // False: surely not there. They look only at the index. `hash` is hash_of_key() of the key.
  bool may_have(std::uint64_t hash) const;
  bool may_have_chunk(const SsdLarge& object, std::uint64_t chunk) const;

  // --- state, any thread ---
  ssd::Health::State state() const { return health_.state(); }
  std::string reason() const { return health_.reason(); }
  TierStats stats() const;
  const ssd::Counters& counters() const { return counters_; }
  Admission::Counts admission_counts() const EXCLUDES(admission_mutex_);
  std::uint64_t index_bytes() const { return index_->footprint_bytes(); }
  std::uint64_t chunk_count() const { return index_->chunks(); }
  std::uint64_t max_object_bytes() const { return max_object_bytes_; }
  std::uint64_t chunk_bytes() const { return geometry_.chunk_bytes; }
  // Whether the cleaner has nothing to do.
  bool at_rest() const { return !log_->wants_cleaning(); }

 private:
  friend class SsdReader;
  friend class SsdFill;
  SsdTier(SsdOptions options, std::unique_ptr<ssd::DiskFile> file, const ssd::Geometry& geometry,
          ssd::Keyring keyring, std::unique_ptr<ssd::Index> index, ssd::Recovered recovered);
  // A head record, key and metadata included, is at most this.
  static constexpr std::uint64_t kMostHeadRecord = 96 * 1024;
  bool fits(std::string_view key, std::string_view head, std::uint64_t length) const;
  std::uint64_t next_fill_id() { return next_fill_id_.fetch_add(1, std::memory_order_relaxed); }
  ssd::RecordHeader header_for(ssd::RecordKind kind, std::uint64_t hash, std::uint64_t fill_id,
                               const ObjectMeta& meta) const;
  ssd::Log::Put put_small(std::string_view key, const ObjectMeta& meta, std::string_view head,
                          std::span<const Slice> body, std::uint64_t length, const StillValid& still_valid);
  ssd::Log::Put put_head(const SsdLarge& object, const StillValid& still_valid);
  ssd::Log::Put put_chunk_record(const SsdLarge& object, std::uint64_t chunk, std::span<const Slice> bytes,
                                 std::uint64_t size);
  bool admit(std::uint64_t hash, std::uint64_t bytes, bool reused) EXCLUDES(admission_mutex_);
  void charge(std::uint64_t bytes) EXCLUDES(admission_mutex_);
  double scarcity() EXCLUDES(admission_mutex_);
  bool put_large(const Object& object, const StillValid& still_valid);
  // Whether the budget lets what is kept anyway be written anew.
  bool may_rewrite() EXCLUDES(admission_mutex_) { return scarcity() < kTooScarceToRewrite; }
  static constexpr double kTooScarceToRewrite = 0.9;
  void refuse(std::uint64_t hash);

  SsdOptions options_;
  const Clock& clock_;
  const std::unique_ptr<ssd::DiskFile> file_;
  const ssd::Geometry geometry_;
  const ssd::Keyring keyring_;
  const std::uint64_t max_object_bytes_;
  const std::shared_ptr<ssd::BufferPool> read_buffers_;
  ssd::Counters counters_;
  ssd::Health health_;
  std::unique_ptr<ssd::Index> index_;
  std::unique_ptr<ssd::Segments> segments_;
  std::unique_ptr<ssd::Shared> shared_;
  std::atomic<std::uint64_t> next_fill_id_{0};
  std::unique_ptr<ssd::Log> log_;
  std::unique_ptr<ssd::Cleaner> cleaner_;
  mutable Mutex admission_mutex_;
  Admission admission_ GUARDED_BY(admission_mutex_);
  std::unique_ptr<ssd::ReadPool> read_pool_;  // made with the tier, so that a reader never waits for it
};

}  // namespace meridian
