#include "edge/request.h"
#include "edge/worker.h"

// Bodies that lie on SSD: read chunk by chunk, as the client takes them, and only those chunks that are asked
// for.
namespace meridian::edge {

namespace {
// What may wait for the client; then the disk is left alone.
constexpr std::size_t kFarAheadBytes = std::size_t{1} << 20U;
}  // namespace

// True: all is queued. False: a chunk or the client is waited for, or the connection died.
bool Request::pump_far() {
  const SsdLarge& large = Store::large_of(*object_);
  while (!chunk_waited_ && outcome_.error.empty()) {
    const std::uint64_t next = plan_.everything() ? body_offset_ : plan_.next_offset();
    if (plan_.everything() ? next >= large.length : plan_.done()) return true;
    if (exchange_->queued_bytes() > kFarAheadBytes) return false;
    const std::uint64_t chunk = next / large.chunk_bytes;
    body_offset_ = chunk * large.chunk_bytes;
    chunk_waited_ = true;
    // A chunk that still waits to be written comes at once, inside the call, and the loop goes on.
    const Ref<const Object> keep = object_;
    reading_chunk_ = true;
    SsdRead read = worker_.store().read_body(large, chunk, [this](Slice bytes) {
      const bool at_once = reading_chunk_;
      take_chunk(std::move(bytes));
      if (!at_once && exchange_ != nullptr) pump();
    });
    reading_chunk_ = false;
    if (exchange_ == nullptr) return false;
    if (chunk_waited_) chunk_read_ = std::move(read);
  }
  return false;
}

void Request::take_chunk(Slice bytes) {
  chunk_waited_ = false;
  if (bytes.data == nullptr) {
    // The head has promised what cannot be kept: only a cut connection tells the client so.
    outcome_.error = "a part of the body could not be read from the disk";
    worker_.store().remove_if(*object_);
    exchange_->abort();
    return;
  }
  const std::uint64_t offset = body_offset_;
  body_offset_ += bytes.size;
  send_planned(std::move(bytes), offset);
}

}  // namespace meridian::edge
