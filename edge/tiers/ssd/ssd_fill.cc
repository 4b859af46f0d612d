#include "edge/tiers/ssd/ssd_fill.h"

#include <utility>

namespace meridian {

using ssd::Log;

SsdFill::SsdFill(SsdTier& tier, std::string_view key, const ObjectMeta& meta, std::string_view head,
                 std::uint64_t length)
    : tier_(tier), object_{std::string(key),  hash_of_key(key), tier.next_fill_id(), meta,
                           std::string(head), length,           tier.chunk_bytes()} {}

SsdFill::~SsdFill() {
  *alive_ = false;
  // The head would be found after a restart.
  if (!done_ && head_written_ && !published_) tier_.log_->remove(object_.hash);
}

SsdFill::Write SsdFill::failed() {
  failed_ = true;
  pending_.clear();
  return Write::kFailed;
}

SsdFill::Write SsdFill::append(Slice piece) {
  if (failed_) return Write::kFailed;
  total_bytes_ += piece.size;
  if (total_bytes_ > std::min(object_.length, tier_.max_object_bytes())) {
    if (object_.length == SsdLarge::kUnknownLength) ssd::count(tier_.counters_.refused_too_large);
    return failed();
  }
  pending_bytes_ += piece.size;
  pending_.push_back(std::move(piece));
  return write_chunks(false);
}

// A body that fits into one chunk becomes one record, so the first chunk waits for a byte of the second.
SsdFill::Write SsdFill::write_chunks(bool all) {
  const std::uint64_t chunk_bytes = object_.chunk_bytes;
  while (pending_bytes_ > (large_ ? chunk_bytes - 1 : chunk_bytes) || (all && large_ && pending_bytes_ > 0)) {
    if (!large_) {
      const Write begun = begin_large();
      if (begun != Write::kDone) return begun;
    }
    const Write written = write_one(std::min(pending_bytes_, chunk_bytes));
    if (written != Write::kDone) return written;
  }
  return Write::kDone;
}

SsdFill::Write SsdFill::begin_large() {
  auto large = std::make_shared<const SsdLarge>(object_);
  if (object_.length != SsdLarge::kUnknownLength) {
    const Log::Put put = tier_.put_head(*large, &unseen_);
    if (put == Log::Put::kFull) return Write::kFull;
    if (put != Log::Put::kDone) return failed();
    head_written_ = true;
  }
  large_ = std::move(large);
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
  if (put != Log::Put::kDone) return failed();
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
  } else {
    if (!head_written_) put = tier_.put_head(object_, &unseen_);
    if (put == Log::Put::kDone) {
      head_written_ = true;
      if (!published_) put = tier_.log_->show(object_.hash, unseen_, still_valid);
    }
  }
  if (put == Log::Put::kFull) return Write::kFull;
  if (put != Log::Put::kDone) {
    overtaken_ = put == Log::Put::kGone;
    return failed();
  }
  if (!published_) ssd::count(tier_.counters_.inserts);
  done_ = true;
  return Write::kDone;
}

bool SsdFill::publish() {
  if (failed_ || published_ || !head_written_) return published_;
  published_ = tier_.log_->show(object_.hash, unseen_) == Log::Put::kDone;
  if (published_) ssd::count(tier_.counters_.inserts);
  return published_;
}

void SsdFill::when_room(EventLoop& loop, std::function<void()> call) {
  tier_.log_->when_room([&loop, alive = std::weak_ptr<bool>(alive_), call = std::move(call)] {
    loop.post([alive, call] {
      if (const auto still = alive.lock(); still && *still) call();
    });
  });
}

}  // namespace meridian
