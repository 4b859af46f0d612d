#include <chrono>

#include "edge/tiers/ssd/log.h"
#include "lib/base/check.h"

// The log's thread: writes batches in their order, syncs, and deals with what fails.
namespace meridian::ssd {
namespace {

constexpr int kLookAgainMs = 20;

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
      if (!jobs_.empty()) return &jobs_.front();
      if (stopping_) return nullptr;
      if (!room_calls_.empty() && has_room()) {
        calls.swap(room_calls_);
      } else if (!room_calls_.empty()) {
        // Readers may hold the memory; they do not tell when they let go.
        work_.wait_for(mutex_, std::chrono::milliseconds(kLookAgainMs));
      } else if (!batch_) {
        work_.wait(mutex_);
      } else if (work_.wait_for(mutex_, std::chrono::milliseconds(limits_.write_after_ms)) ==
                 std::cv_status::timeout) {
        close_batch();
      }
    }
    for (const auto& call : calls) call();
    calls.clear();
  }
}

int Log::write(const Job& job) {
  const int error = shared_.file.write(job.offset, job.memory->data(), job.bytes);
  shared_.health.write_ended(error);
  if (error != 0) {
    count(shared_.counters.write_errors);
  } else {
    count(shared_.counters.written_bytes, job.bytes);
  }
  return error;
}

void Log::perform(Job& job) {
  const std::uint32_t segment = job.memory ? shared_.geometry.segment_of(job.offset) : 0;
  bool synced = true;
  const bool written = !job.memory || write(job) == 0;
  if (!written) forget(job);
  if (job.durable || job.ends_segment) {
    const int error = shared_.file.sync();
    synced = error == 0;
    if (synced && written && job.ends_segment) note_progress(segment);
    if (!synced) {
      // What the disk still has of earlier writes is unknown from here on; reads verify what they find.
      count(shared_.counters.sync_errors);
      shared_.health.write_ended(error);
    }
  }
  if (job.memory && !job.ends_segment) {
    const std::uint64_t end = job.offset + job.bytes - shared_.geometry.offset_of(segment);
    segments_.set_written(segment, end);
  }
  if (job.durable) {
    bool whole = false;
    {
      MutexLock lock(mutex_);
      whole = tombstones_.empty() && !lost_tombstones_;
    }
    job.durable(synced && whole && !failed_);
    failed_ = false;
  }
}

// The next sync makes it durable.
void Log::note_progress(std::uint32_t segment) {
  const std::uint64_t generation = segments_.generation(segment);
  if (generation == 0) return;  // given up already
  const Ref<AlignedBuffer> page = AlignedBuffer::allocate(kPage);
  write_progress(generation, shared_.geometry.identity, page->data());
  const int error = shared_.file.write(progress_offset(generation), page->data(), kPage);
  if (error != 0) count(shared_.counters.write_errors);
}

// A batch that could not be written: its records are gone, and its tombstones wait for another batch.
void Log::forget(const Job& job) {
  if (job.ends_segment) return;
  failed_ = true;
  const std::uint32_t segment = shared_.geometry.segment_of(job.offset);
  const std::uint64_t generation = segments_.generation(segment);
  const bool begins_segment = job.offset == shared_.geometry.offset_of(segment);
  std::uint64_t at = begins_segment ? kPage : 0;
  MutexLock lock(mutex_);
  while (at < job.bytes) {
    const RecordSpot spot{shared_.geometry.identity, generation, job.offset + at};
    const auto header = check_record(job.memory->data() + at, job.bytes - at, spot);
    if (!header) {
      at = round_up(at + 1, kPage);
      continue;
    }
    if (header->record_kind() == RecordKind::kTombstone) {
      tombstones_.push_back(header->key_hash);
    } else {
      shared_.index.erase_at(index_hash_of(*header), job.offset + at);
    }
    at += header->total_bytes();
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
