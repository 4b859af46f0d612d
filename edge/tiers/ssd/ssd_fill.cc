#include "edge/tiers/ssd/ssd_fill.h"

#include <utility>

#include "lib/base/mutex.h"

namespace meridian {

using ssd::Log;

// What the log's thread rings when there is room. It may still have it when the fill, and then the loop, is
// gone: so the fill closes it, and whoever rings does that under its lock.
class SsdFill::Bell final : public std::enable_shared_from_this<Bell> {
 public:
  // On the loop's thread. There is one call that waits.
  void arm(EventLoop& loop, std::function<void()> call) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    loop_ = &loop;
    call_ = std::move(call);
  }
  // On the log's thread.
  void ring() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (loop_ == nullptr) return;
    loop_->post([self = shared_from_this()] { self->answer(); });
  }
  void close() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    loop_ = nullptr;
    call_ = nullptr;
  }

 private:
  void answer() EXCLUDES(mutex_) {
    std::function<void()> call;
    {
      MutexLock lock(mutex_);
      call.swap(call_);
    }
    if (call) call();
  }

  Mutex mutex_;
  EventLoop* loop_ GUARDED_BY(mutex_) = nullptr;
  std::function<void()> call_ GUARDED_BY(mutex_);
};

SsdFill::SsdFill(SsdTier& tier, std::string_view key, const ObjectMeta& meta, std::string_view head,
                 std::uint64_t length)
    : tier_(tier), object_{std::string(key),  hash_of_key(key), tier.next_fill_id(), meta,
                           std::string(head), length,           tier.chunk_bytes()} {}

SsdFill::~SsdFill() {
  if (bell_) bell_->close();
}

SsdFill::Write SsdFill::failed() {
  failed_ = true;
  pending_.clear();
  return Write::kFailed;
}

SsdFill::Write SsdFill::refused() {
  tier_.refuse(object_.hash);
  return failed();
}

SsdFill::Write SsdFill::append(Slice piece) {
  if (failed_) return Write::kFailed;
  total_bytes_ += piece.size;
  if (total_bytes_ > std::min(object_.length, tier_.max_object_bytes())) {
    if (object_.length != SsdLarge::kUnknownLength) return failed();
    ssd::count(tier_.counters_.refused_too_large);
    return refused();
  }
  pending_bytes_ += piece.size;
  pending_.push_back(std::move(piece));
  return write_chunks(false);
}

// A body that fits into one chunk becomes one record, so the first chunk waits for a byte of the second.
SsdFill::Write SsdFill::write_chunks(bool all) {
  const std::uint64_t chunk_bytes = object_.chunk_bytes;
  while (pending_bytes_ > (large_ ? chunk_bytes - 1 : chunk_bytes) || (all && large_ && pending_bytes_ > 0)) {
    if (!large_) large_ = std::make_shared<const SsdLarge>(object_);
    const Write written = write_one(std::min(pending_bytes_, chunk_bytes));
    if (written != Write::kDone) return written;
  }
  return Write::kDone;
}

SsdFill::Write SsdFill::write_one(std::uint64_t bytes) {
  std::vector<Slice> chunk;
  std::uint64_t taken = 0;
  std::size_t whole = 0;
  while (taken < bytes) {
    const Slice& piece = pending_[whole];
    const std::uint64_t part = std::min<std::uint64_t>(piece.size, bytes - taken);
    chunk.push_back(piece.sub(0, part));
    taken += part;
    if (part < piece.size) break;
    ++whole;
  }
  const Log::Put put = tier_.put_chunk_record(object_, chunks_, chunk, bytes);
  if (put == Log::Put::kFull) return Write::kFull;
  if (put != Log::Put::kDone) return refused();
  if (chunks_ > 0 && object_.length == SsdLarge::kUnknownLength) tier_.charge(bytes);
  const std::size_t rest = whole < pending_.size() && chunk.size() > whole ? chunk.back().size : 0;
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(whole));
  if (rest > 0) pending_[0] = pending_[0].sub(rest, pending_[0].size - rest);
  pending_bytes_ -= bytes;
  ++chunks_;
  return Write::kDone;
}

SsdFill::Write SsdFill::commit(const SsdTier::StillValid& still_valid) {
  if (failed_) return Write::kFailed;
  if (object_.length != SsdLarge::kUnknownLength && total_bytes_ != object_.length) return failed();
  if (const Write written = write_chunks(true); written != Write::kDone) return written;
  object_.length = total_bytes_;
  Log::Put put = Log::Put::kDone;
  if (!large_) {
    put = tier_.put_small(object_.key, object_.meta, object_.head, pending_, total_bytes_, still_valid);
  } else if (!published_) {
    put = tier_.put_head(object_, still_valid);
  }
  if (put == Log::Put::kFull) return Write::kFull;
  if (put != Log::Put::kDone) {
    overtaken_ = put == Log::Put::kGone;
    return overtaken_ ? failed() : refused();
  }
  if (!published_) ssd::count(tier_.counters_.inserts);
  return Write::kDone;
}

bool SsdFill::publish() {
  if (failed_ || published_ || chunks_ == 0 || object_.length == SsdLarge::kUnknownLength) return published_;
  published_ = tier_.put_head(object_, {}) == Log::Put::kDone;
  if (published_) ssd::count(tier_.counters_.inserts);
  return published_;
}

void SsdFill::when_room(EventLoop& loop, std::function<void()> call) {
  if (!bell_) bell_ = std::make_shared<Bell>();
  bell_->arm(loop, std::move(call));
  tier_.log_->when_room([bell = bell_] { bell->ring(); });
}

}  // namespace meridian
