#include <algorithm>

#include "edge/request.h"
#include "edge/worker.h"

// Bodies that lie on SSD: read chunk by chunk, as the client takes them, and only those chunks that are asked
// for.
namespace meridian::edge {

namespace {
// What may wait for the client; then the disk is left alone.
constexpr std::size_t kFarAheadBytes = std::size_t{256} << 10U;
}  // namespace

// Of a stored object. True: all is queued. False: a chunk or the client is waited for, or the connection
// died.
bool Request::pump_far() {
  const SsdLarge& large = Store::large_of(*object_);
  if (partly_held_ && plan_.everything()) plan_.range(0, object_->body_size());
  while (!chunk_waited_ && outcome_.error.empty()) {
    if (slicing_) {
      if (!pump_slice()) return false;
      continue;
    }
    const std::uint64_t next = plan_.everything() ? body_offset_ : plan_.next_offset();
    if (plan_.everything() ? next >= large.length : plan_.done()) return true;
    if (exchange_->queued_bytes() > kFarAheadBytes) return false;
    if (partly_held_ ? !send_slices(next) : !read_chunk(large, next / large.chunk_bytes)) return false;
  }
  return false;
}

// Of a fill that has gone on: what it has let go of is on SSD already. False: as above, or a chunk is waited
// for; true: look at the fill again.
bool Request::pump_behind() {
  if (chunk_waited_ || !outcome_.error.empty()) return false;
  const Ref<const RefCounted> backing = fill_->backing();
  if (!backing) return false;
  const SsdLarge& large = static_cast<const FarBody&>(*backing).large();
  if (!plan_.everything() && plan_.next_offset() > cursor_.offset) {
    // What is wanted may be in memory still, or yet to come.
    fill_->advance(cursor_, plan_.next_offset() - cursor_.offset);
    return true;
  }
  return read_chunk(large, cursor_.offset / large.chunk_bytes) && !chunk_waited_ && outcome_.error.empty();
}

// False: the connection died.
bool Request::read_chunk(const SsdLarge& large, std::uint64_t chunk) {
  body_offset_ = chunk * large.chunk_bytes;
  chunk_waited_ = true;
  reading_chunk_ = true;
  // A chunk that still waits to be written comes at once, inside the call.
  SsdRead read = worker_.store().read_body(large, chunk, [this](Slice bytes) {
    const bool at_once = reading_chunk_;
    take_chunk(std::move(bytes));
    if (!at_once && exchange_ != nullptr) pump();
  });
  reading_chunk_ = false;
  if (exchange_ == nullptr) return false;
  if (chunk_waited_) chunk_read_ = std::move(read);
  return true;
}

void Request::take_chunk(Slice bytes) {
  chunk_waited_ = false;
  if (bytes.data == nullptr && !fill_ && may_slice()) {
    // It is fetched in place of what the disk has lost.
    if (plan_.everything()) plan_.range(body_offset_, object_->body_size());
    partly_held_ = true;
    lost_at_ = body_offset_;
    return;
  }
  if (bytes.data == nullptr) {
    // The head has promised what cannot be kept: only a cut connection tells the client so.
    outcome_.error = "a part of the body could not be read from the disk";
    // A disk that is too busy has lost nothing.
    if (!fill_ && !worker_.store().has_body(*object_)) worker_.store().remove_if(*object_);
    exchange_->abort();
    return;
  }
  std::uint64_t offset = body_offset_;
  body_offset_ += bytes.size;
  if (fill_) {
    const std::uint64_t skip = std::min<std::uint64_t>(cursor_.offset - offset, bytes.size);
    bytes = bytes.sub(skip, bytes.size - skip);
    offset += skip;
    fill_->advance(cursor_, bytes.size);
  }
  send_planned(std::move(bytes), offset);
}

}  // namespace meridian::edge
