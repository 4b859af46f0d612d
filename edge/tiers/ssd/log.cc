#include "edge/tiers/ssd/log.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "lib/base/check.h"

namespace meridian::ssd {
namespace {

// Tombstones that wait for a batch; when even these are too many, no flush() says true any more.
constexpr std::size_t kMostTombstones = 1 << 20;
// The table of contents takes at most this share of a segment.
constexpr std::uint64_t kTocShare = 8;

}  // namespace

Log::Log(const Shared& shared, const Limits& limits, Recovered recovered)
    : shared_(shared),
      segments_(shared.segments),
      limits_(limits),
      pool_(BufferPool::create(limits.buffer_bytes, limits.buffer_bytes)) {
  {
    MutexLock lock(mutex_);
    for (const std::uint32_t segment : recovered.to_blank)
      push({.kind = Job::Kind::kBlank, .head = {recovered.next_generation - 1, segment}});
    for (OpenedAgain& open : recovered.without_end)
      push({.kind = Job::Kind::kEnd, .head = open.head, .entries = std::move(open.entries)});
  }
  thread_ = std::thread([this] { run(); });
}

Log::~Log() {
  {
    MutexLock lock(mutex_);
    if (shared_.health.state() == Health::State::kOk) {
      for (std::size_t left = SIZE_MAX; tombstones_.size() < left;) {
        left = tombstones_.size();
        append_tombstones();
      }
    }
    close_segment();
    stopping_ = true;
  }
  work_.notify_one();
  thread_.join();
}

void Log::push(Job job) {
  jobs_.push_back(std::move(job));
  work_.notify_one();
}

bool Log::fits(std::uint64_t bytes) const {
  const std::uint64_t end = used_ + filled_ + bytes;
  const std::uint64_t toc_bytes = SegmentFoot::toc_bytes(toc_.size() + 1);
  return toc_bytes <= shared_.geometry.segment_bytes / kTocShare &&
         round_up(end, kPage) + toc_bytes + kPage <= shared_.geometry.segment_bytes;
}

// A batch that begins a segment begins with the segment's first page.
bool Log::open_batch() {
  batch_ = pool_->take(limits_.batch_bytes);
  if (!batch_) return false;
  filled_ = 0;
  batch_begin_ = toc_.size();
  batch_due_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(limits_.write_after_ms);
  work_.notify_one();
  if (head_.generation != 0) return true;
  head_ = *segments_.open();
  used_ = 0;
  write_segment_head(head_, shared_.geometry.identity, batch_->data());
  filled_ = kPage;
  victim_.notify_one();
  return true;
}

char* Log::reserve(std::uint64_t bytes, Writer writer, std::uint64_t* offset) {
  DCHECK(bytes + kPage <= limits_.batch_bytes);
  if (head_.generation != 0 && !fits(bytes)) close_segment();
  if (batch_ && filled_ + bytes > limits_.batch_bytes) {
    close_batch();
    if (!fits(bytes)) close_segment();
  }
  if (!has_segment(writer)) {
    victim_.notify_one();
    return nullptr;
  }
  if (!batch_ && !open_batch()) return nullptr;
  *offset = shared_.geometry.offset_of(head_.segment) + used_ + filled_;
  char* to = batch_->data() + filled_;
  filled_ += bytes;
  return to;
}

void Log::close_batch() {
  if (!batch_) return;
  const std::uint64_t bytes = round_up(filled_, kPage);
  std::memset(batch_->data() + filled_, 0, bytes - filled_);
  const std::uint64_t offset = shared_.geometry.offset_of(head_.segment) + used_;
  push({.kind = Job::Kind::kBatch,
        .head = head_,
        .memory = std::move(batch_),
        .offset = offset,
        .bytes = bytes,
        .entries = {toc_.begin() + static_cast<std::ptrdiff_t>(batch_begin_), toc_.end()}});
  used_ += bytes;
  filled_ = 0;
}

// The thread makes the table of contents, as that takes its time.
void Log::close_segment() {
  if (head_.generation == 0) return;
  close_batch();
  push({.kind = Job::Kind::kEnd, .head = head_, .entries = std::exchange(toc_, {})});
  segments_.seal(head_.segment);
  head_ = {};
  victim_.notify_one();
}

Log::Put Log::append(const RecordSource& source, Writer writer, Place* place) {
  // A batch that is begun will be written, so one more record in it is no further try of a bad disk.
  if (!batch_ && !shared_.health.may_write()) return Put::kOff;
  const std::uint64_t bytes = source.header.total_bytes();
  std::uint64_t offset = 0;
  char* to = reserve(bytes, writer, &offset);
  if (to == nullptr) return Put::kFull;
  if (!write_record(source, {shared_.geometry.identity, head_.generation, offset}, shared_.keyring, to)) {
    // Its room stays unused.
    std::memset(to, 0, bytes);
    return Put::kOff;
  }
  const RecordKind kind = source.header.record_kind();
  const std::uint64_t hash = index_hash_of(source.header);
  toc_.emplace_back(hash, offset - shared_.geometry.offset_of(head_.segment), bytes, kind);
  *place = Place(offset, bytes, place_kind_of(kind));
  return Put::kDone;
}

Log::Put Log::put(const RecordSource& source, const StillValid& still_valid) {
  Place place;
  MutexLock lock(mutex_);
  if (still_valid && !still_valid()) return Put::kGone;
  append_tombstones();
  const Put put = append(source, Writer::kAnyone, &place);
  if (put == Put::kDone) shared_.index.put(index_hash_of(source.header), place);
  return put;
}

Log::Put Log::reinsert(const RecordSource& source, std::uint64_t from) {
  const std::uint64_t hash = index_hash_of(source.header);
  Place placed;
  MutexLock lock(mutex_);
  const std::optional<Place> now = shared_.index.find(hash);
  if (!now || now->offset() != from) return Put::kGone;
  const Put put = append(source, Writer::kReserved, &placed);
  if (put == Put::kDone) shared_.index.move(hash, from, placed);
  return put;
}

void Log::remove(std::uint64_t hash) {
  MutexLock lock(mutex_);
  shared_.index.erase(hash);
  want_tombstone(hash);
  append_tombstones();
}

void Log::remove_at(std::uint64_t hash, std::uint64_t offset) {
  MutexLock lock(mutex_);
  if (!shared_.index.erase_at(hash, offset)) return;
  want_tombstone(hash);
  append_tombstones();
}

void Log::want_tombstone(std::uint64_t hash) {
  if (tombstones_.size() < kMostTombstones) {
    tombstones_.push_back(hash);
  } else {
    lost_tombstones_ = true;
  }
  if (removals_due_) return;
  removals_due_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(limits_.write_after_ms);
  work_.notify_one();
}

void Log::append_tombstones() {
  for (std::size_t i = 0; i < kTombstonesAtOnce && !tombstones_.empty(); ++i) {
    if (!append_tombstone(tombstones_.back())) return;
    tombstones_.pop_back();
  }
}

bool Log::append_tombstone(std::uint64_t hash) {
  // It was put again since: that takes the place of what was removed, and a tombstone behind it would take it
  // away after a restart.
  if (shared_.index.find(hash)) return true;
  RecordSource source;
  source.header.kind = static_cast<std::uint8_t>(RecordKind::kTombstone);
  source.header.key_hash = hash;
  Place place;
  return append(source, Writer::kReserved, &place) == Put::kDone;
}

void Log::flush(std::function<void(bool)> done) {
  MutexLock lock(mutex_);
  push_sync(std::move(done));
}

void Log::push_sync(std::function<void(bool)> durable) {
  append_tombstones();
  close_batch();
  push({.kind = Job::Kind::kSync,
        .durable = std::move(durable),
        .has_all_removals = tombstones_.empty(),
        .removals_left = tombstones_.size()});
}

void Log::when_room(std::function<void()> call) {
  MutexLock lock(mutex_);
  room_calls_.push_back(std::move(call));
  // Should nothing be under way any more, the thread looks at once.
  work_.notify_one();
}

std::optional<Log::Waiting> Log::waiting(std::uint64_t offset) {
  MutexLock lock(mutex_);
  if (batch_) {
    const std::uint64_t begin = shared_.geometry.offset_of(head_.segment) + used_;
    if (offset >= begin && offset < begin + filled_) {
      return Waiting{batch_, batch_->data() + (offset - begin), filled_ - (offset - begin)};
    }
  }
  for (const Job& job : jobs_) {
    if (!job.memory || offset < job.offset || offset >= job.offset + job.bytes) continue;
    return Waiting{job.memory, job.memory->data() + (offset - job.offset), job.bytes - (offset - job.offset)};
  }
  return std::nullopt;
}

std::uint64_t Log::used_bytes() const {
  MutexLock lock(mutex_);
  return segments_.used_bytes();
}

std::optional<Log::Chore> Log::wait_for_chore() {
  MutexLock lock(mutex_);
  cleaning_ = false;
  for (;;) {
    if (cleaning_stops_) return std::nullopt;
    if (!given_up_.empty()) {
      const std::uint32_t segment = given_up_.front();
      given_up_.pop_front();
      return Chore{segment, true};
    }
    if (std::chrono::steady_clock::now() < pause_until_) {
      victim_.wait_until(mutex_, pause_until_);
      continue;
    }
    if (wants_segments()) {
      if (const auto victim = segments_.take_oldest()) {
        cleaning_ = true;
        return Chore{*victim, false};
      }
    }
    victim_.wait(mutex_);
  }
}

void Log::give_up(std::uint32_t segment, bool moved) {
  MutexLock lock(mutex_);
  cleaning_ = false;
  ++giving_up_;
  if (moved) close_batch();
  push({.kind = Job::Kind::kGiveUp, .head = {segments_.generation(segment), segment}, .after_sync = moved});
}

void Log::give_free(std::uint32_t segment) {
  MutexLock lock(mutex_);
  --giving_up_;
  segments_.give_free(segment);
  work_.notify_one();
}

void Log::stop_cleaning() {
  MutexLock lock(mutex_);
  cleaning_stops_ = true;
  victim_.notify_all();
}

}  // namespace meridian::ssd
