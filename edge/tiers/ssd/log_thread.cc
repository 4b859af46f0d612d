#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "edge/tiers/ssd/log.h"
#include "lib/base/check.h"

// The log's thread: writes batches in their order, syncs, and deals with what fails.
namespace meridian::ssd {
namespace {

constexpr int kLookAgainMs = 20;
// After the disk did not let a segment be given up.
constexpr int kPauseMs = 1000;

}  // namespace

bool Log::has_room() const {
  return has_segment(Writer::kAnyone) &&
         (batch_ || pool_->used_bytes() + limits_.batch_bytes <= limits_.buffer_bytes);
}

void Log::run() {
  while (Job* job = next_job()) {
    perform(*job);
    finish_job();
  }
}

// The job stays at the front while it is performed, so that readers still find its bytes.
Log::Job* Log::next_job() {
  std::vector<std::function<void()>> calls;
  for (;;) {
    {
      MutexLock lock(mutex_);
      look_at_clock();
      if (!jobs_.empty()) return &jobs_.front();
      if (stopping_) {
        if (head_.generation == 0) return nullptr;
        // Tombstones of a batch that failed at the end.
        close_segment();
        continue;
      }
      if (!room_calls_.empty() && has_room()) {
        calls.swap(room_calls_);
      } else {
        wait_for_work();
      }
    }
    for (const auto& call : calls) call();
    calls.clear();
  }
}

void Log::wait_for_work() {
  TimePoint until = TimePoint::max();
  if (batch_) until = std::min(until, batch_due_);
  if (removals_due_) until = std::min(until, *removals_due_);
  // Somebody may hold the memory, and does not tell when he lets go.
  if (!room_calls_.empty()) {
    until = std::min(until, std::chrono::steady_clock::now() + std::chrono::milliseconds(kLookAgainMs));
  }
  if (until == TimePoint::max()) {
    work_.wait(mutex_);
  } else {
    work_.wait_until(mutex_, until);
  }
}

void Log::look_at_clock() {
  if (!batch_ && !removals_due_) return;
  const TimePoint now = std::chrono::steady_clock::now();
  if (removals_due_ && now >= *removals_due_) {
    removals_due_.reset();
    push_sync({});
    if (!tombstones_.empty()) removals_due_ = now + std::chrono::milliseconds(limits_.write_after_ms);
  } else if (batch_ && now >= batch_due_) {
    close_batch();
  }
}

void Log::perform(Job& job) {
  switch (job.kind) {
    case Job::Kind::kBatch:
      return write_batch(job);
    case Job::Kind::kEnd:
      return write_end(job);
    case Job::Kind::kGiveUp:
      return give_up(job);
    case Job::Kind::kBlank:
      blank({job.head.generation, job.head.segment, true});
      return;
    case Job::Kind::kSync:
      return vouch(job);
  }
}

int Log::write(std::uint64_t offset, const char* from, std::uint64_t bytes) {
  const int error = shared_.file.write(offset, from, bytes);
  shared_.health.write_ended(error);
  if (error != 0) {
    count(shared_.counters.write_errors);
  } else {
    count(shared_.counters.written_bytes, bytes);
  }
  return error;
}

bool Log::sync() {
  const int error = shared_.file.sync();
  if (error == 0) {
    unsynced_removals_.clear();
    return true;
  }
  // What the disk still has of earlier writes is unknown from here on: reads verify what they find, and
  // removals are written once more.
  count(shared_.counters.sync_errors);
  shared_.health.write_ended(error);
  want_tombstones(std::exchange(unsynced_removals_, {}));
  doubt();
  return false;
}

// Who was to be told that all before is durable is told that it is not. After want_tombstones(): who asks
// from then on is told when those are durable.
void Log::doubt() {
  MutexLock lock(mutex_);
  for (Job& job : jobs_) job.is_sound = false;
}

void Log::write_batch(const Job& job) {
  if (write(job.offset, job.memory->data(), job.bytes) != 0) {
    forget(job);
  } else {
    for (const TocEntry& entry : job.entries) {
      if (entry.kind() == RecordKind::kTombstone) unsynced_removals_.push_back(entry.index_hash);
    }
  }
  segments_.set_written(job.head.segment,
                        job.offset + job.bytes - shared_.geometry.offset_of(job.head.segment));
}

void Log::write_end(const Job& job) {
  const Geometry& geometry = shared_.geometry;
  const std::string end =
      make_segment_end(job.head, job.entries, geometry.identity, shared_.keyring, shared_.keyring.current());
  // Without an end the segment is scanned after a restart.
  if (end.empty()) return;
  const Ref<AlignedBuffer> memory = AlignedBuffer::allocate(end.size());
  std::memcpy(memory->data(), end.data(), end.size());
  const std::uint64_t offset = geometry.offset_of(job.head.segment) + geometry.segment_bytes - end.size();
  const bool written = write(offset, memory->data(), end.size()) == 0;
  if (sync() && written) note_progress(job.head.generation);
}

// The next sync makes it durable.
void Log::note_progress(std::uint64_t generation) {
  const Ref<AlignedBuffer> page = AlignedBuffer::allocate(kPage);
  write_progress(generation, shared_.geometry.identity, page->data());
  const int error = shared_.file.write(progress_offset(generation), page->data(), kPage);
  if (error != 0) count(shared_.counters.write_errors);
}

bool Log::blank(const GivenUp& given_up) {
  const Geometry& geometry = shared_.geometry;
  const std::uint64_t begin = geometry.offset_of(given_up.segment);
  const Ref<AlignedBuffer> page = AlignedBuffer::allocate(kPage);
  write_given_up(given_up, geometry.identity, page->data());
  if (write(begin, page->data(), kPage) != 0) return false;
  std::memset(page->data(), 0, kPage);
  return write(begin + geometry.segment_bytes - kPage, page->data(), kPage) == 0;
}

void Log::give_up(const Job& job) {
  const bool is_given_up = (!job.after_sync || sync()) && blank({job.head.generation, job.head.segment});
  MutexLock lock(mutex_);
  if (is_given_up) {
    given_up_.push_back(job.head.segment);
  } else {
    // Its records are still found; it is tried again when the disk may be well.
    --giving_up_;
    segments_.put_back(job.head.segment);
    pause_until_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPauseMs);
  }
  victim_.notify_one();
}

void Log::vouch(Job& job) {
  if (!job.has_all_removals && wait_for_removals(job)) return;
  // By the clock: a sync that came meanwhile has done it.
  if (!job.durable && unsynced_removals_.empty()) return;
  const bool is_synced = sync();
  bool lost = false;
  {
    MutexLock lock(mutex_);
    lost = lost_tombstones_;
  }
  if (job.durable) job.durable(is_synced && job.is_sound && job.has_all_removals && !lost);
}

// Goes to the end of the queue again, behind the removals that had not found room before it; unless there is
// no hope that they will.
bool Log::wait_for_removals(Job& job) {
  MutexLock lock(mutex_);
  append_tombstones();
  const bool moves =
      tombstones_.size() < job.removals_left ||
      std::any_of(jobs_.begin(), jobs_.end(), [](const Job& each) { return bool(each.memory); });
  if (!moves) return false;
  close_batch();
  Job again;
  again.durable = std::move(job.durable);
  again.is_sound = job.is_sound;
  again.has_all_removals = tombstones_.empty();
  again.removals_left = tombstones_.size();
  push(std::move(again));
  return true;
}

// A batch that could not be written: its records are gone, and what they had taken the place of, or taken
// away, must not come back.
void Log::forget(const Job& job) {
  const std::uint64_t begin = shared_.geometry.offset_of(job.head.segment);
  std::vector<std::uint64_t> gone;
  for (const TocEntry& entry : job.entries) {
    const bool is_tombstone = entry.kind() == RecordKind::kTombstone;
    const bool was_found = !is_tombstone && shared_.index.erase_at(entry.index_hash, begin + entry.offset());
    if (is_tombstone || (was_found && entry.kind() != RecordKind::kChunk)) gone.push_back(entry.index_hash);
  }
  want_tombstones(gone);
  doubt();
}

void Log::want_tombstones(const std::vector<std::uint64_t>& hashes) {
  for (std::size_t at = 0; at < hashes.size();) {
    MutexLock lock(mutex_);
    for (std::size_t i = 0; i < kTombstonesAtOnce && at < hashes.size(); ++i) want_tombstone(hashes[at++]);
  }
}

bool Log::wait_for_batch() {
  MutexLock lock(mutex_);
  if (!has_segment(Writer::kReserved)) return false;
  if (!batch_ && pool_->used_bytes() + limits_.batch_bytes > limits_.buffer_bytes)
    written_.wait_for(mutex_, std::chrono::milliseconds(kLookAgainMs));
  return true;
}

void Log::finish_job() {
  std::vector<std::function<void()>> calls;
  Job done;
  {
    MutexLock lock(mutex_);
    done = std::move(jobs_.front());
    jobs_.pop_front();
    done.memory.reset();
    append_tombstones();
    if (has_room()) calls.swap(room_calls_);
    written_.notify_all();
  }
  for (const auto& call : calls) call();
}

}  // namespace meridian::ssd
