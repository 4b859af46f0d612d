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

Log::Log(const Shared& shared, const Limits& limits, std::vector<OpenedAgain> without_end)
    : shared_(shared),
      segments_(shared.segments),
      limits_(limits),
      pool_(BufferPool::create(limits.buffer_bytes, limits.buffer_bytes)) {
  {
    MutexLock lock(mutex_);
    for (const OpenedAgain& open : without_end) push_end(open.head, open.entries);
  }
  thread_ = std::thread([this] { run(); });
}

Log::~Log() {
  {
    MutexLock lock(mutex_);
    if (shared_.health.state() == Health::State::kOk) append_tombstones();
    close_segment();
    stopping_ = true;
  }
  work_.notify_one();
  thread_.join();
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
  jobs_.push_back({std::move(batch_), offset, bytes, false, {}});
  used_ += bytes;
  filled_ = 0;
  work_.notify_one();
}

void Log::close_segment() {
  if (head_.generation == 0) return;
  close_batch();
  push_end(head_, toc_);
  segments_.seal(head_.segment);
  head_ = {};
  toc_.clear();
  victim_.notify_one();
}

void Log::push_end(const SegmentHead& head, const std::vector<TocEntry>& entries) {
  const Geometry& geometry = shared_.geometry;
  const std::string end =
      make_segment_end(head, entries, geometry.identity, shared_.keyring, shared_.keyring.current());
  // Without an end the segment is scanned after a restart.
  if (end.empty()) return;
  Ref<AlignedBuffer> memory = AlignedBuffer::allocate(end.size());
  std::memcpy(memory->data(), end.data(), end.size());
  const std::uint64_t offset = geometry.offset_of(head.segment) + geometry.segment_bytes - end.size();
  jobs_.push_back({std::move(memory), offset, end.size(), true, {}});
  work_.notify_one();
}

Log::Put Log::append(const RecordSource& source, Writer writer, Place* place) {
  if (!shared_.health.may_write()) return Put::kOff;
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
  if (tombstones_.size() < kMostTombstones) {
    tombstones_.push_back(hash);
  } else {
    lost_tombstones_ = true;
  }
  append_tombstones();
}

void Log::append_tombstones() {
  while (!tombstones_.empty()) {
    RecordSource source;
    source.header.kind = static_cast<std::uint8_t>(RecordKind::kTombstone);
    source.header.key_hash = tombstones_.back();
    Place place;
    if (append(source, Writer::kReserved, &place) != Put::kDone) return;
    tombstones_.pop_back();
  }
}

void Log::flush(std::function<void(bool)> done) {
  MutexLock lock(mutex_);
  append_tombstones();
  close_batch();
  Job job;
  job.durable = std::move(done);
  jobs_.push_back(std::move(job));
  work_.notify_one();
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

std::optional<std::uint32_t> Log::wait_for_victim() {
  MutexLock lock(mutex_);
  cleaning_ = false;
  for (;;) {
    if (cleaning_stops_) return std::nullopt;
    if (segments_.free_count() < limits_.free_segments) {
      if (const auto victim = segments_.take_oldest()) {
        cleaning_ = true;
        return victim;
      }
    }
    victim_.wait(mutex_);
  }
}

void Log::give_free(std::uint32_t segment) {
  MutexLock lock(mutex_);
  segments_.give_free(segment);
  work_.notify_one();
}

void Log::stop_cleaning() {
  MutexLock lock(mutex_);
  cleaning_stops_ = true;
  victim_.notify_all();
}

}  // namespace meridian::ssd
