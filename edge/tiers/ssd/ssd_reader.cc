#include "edge/tiers/ssd/ssd_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "edge/tiers/ssd/record.h"
#include "lib/base/check.h"

namespace meridian {
namespace {

using ssd::count;
using ssd::kPage;

// A body up to this size is copied out of the pages that were read, which are then free again.
constexpr std::uint64_t kCopied = 2048;
// How often a record is looked for that the cleaner moves under the reader.
constexpr unsigned kMostMoves = 4;

Ref<const Object> object_of(const ssd::RecordView& view, const Ref<const RefCounted>& memory) {
  const Slice body{memory, view.body.data(), view.body.size()};
  const Ref<Object> object = view.body.size() <= kCopied
                                 ? Object::make(view.key, view.meta, view.head, {&body, 1})
                                 : Object::make_large(view.key, view.meta, view.head, {&body, 1});
  if (object) object->mark_cold_copy();
  return object;
}

}  // namespace

SsdRead& SsdRead::operator=(SsdRead&& other) noexcept {
  cancel();
  reader_ = std::exchange(other.reader_, nullptr);
  slot_ = other.slot_;
  serial_ = other.serial_;
  return *this;
}

void SsdRead::cancel() {
  if (SsdReader* reader = std::exchange(reader_, nullptr)) reader->cancel(slot_, serial_);
}

SsdReader::SsdReader(SsdTier& tier, EventLoop& loop)
    : tier_(tier),
      loop_(loop),
      room_(loop, [this] { call_the_line(); }),
      slow_(loop, [this] { look_for_slow_reads(); }) {
  if (tier.options_.io != SsdIo::kThreads) {
    auto ring = ssd::make_ring_queue(loop, *tier.file_, *this, tier.options_.reads_per_worker);
    uses_uring_ = ring.has_value();
    if (ring) queue_ = std::move(*ring);
  }
  if (!queue_) queue_ = tier.read_pool_->make_queue(loop, *this);
}

SsdReader::~SsdReader() {
  tier_.read_buffers_->forget(this);
  queue_.reset();
}

SsdRead SsdReader::find(std::uint64_t hash, std::string_view key, OnFound done) {
  Read wanted;
  wanted.on_found = std::move(done);
  return start(hash, key, std::move(wanted));
}

SsdRead SsdReader::read_chunk(const SsdLarge& object, std::uint64_t chunk, OnChunk done, WhenBusy when_busy) {
  Read wanted;
  wanted.on_chunk = std::move(done);
  wanted.fill_id = object.fill_id;
  wanted.size = object.length == SsdLarge::kUnknownLength ? object.length : object.bytes_of_chunk(chunk);
  wanted.when_busy = when_busy;
  return start(object.hash_of_chunk(chunk), object.key, std::move(wanted));
}

std::uint32_t SsdReader::take_slot() {
  if (free_.empty()) {
    reads_.push_back(std::make_unique<Read>());
    return static_cast<std::uint32_t>(reads_.size() - 1);
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  return slot;
}

SsdRead SsdReader::start(std::uint64_t index_hash, std::string_view key, Read&& wanted) {
  const std::uint32_t slot = take_slot();
  const std::uint64_t serial = next_serial_++;
  Read& read = *reads_[slot];
  read.serial = serial;
  read.key.assign(key);
  read.index_hash = index_hash;
  read.fill_id = wanted.fill_id;
  read.size = wanted.size;
  read.when_busy = wanted.when_busy;
  read.moves = 0;
  read.began_ms = loop_.now_ms();
  read.on_found = std::move(wanted.on_found);
  read.on_chunk = std::move(wanted.on_chunk);
  return begin(slot) ? SsdRead(*this, slot, serial) : SsdRead();
}

bool SsdReader::begin(std::uint32_t slot) {
  const bool waits_behind_others = reads_[slot]->when_busy == WhenBusy::kWait && !line_.empty();
  const Asked asked = waits_behind_others ? Asked::kBusy : ask(slot);
  if (asked != Asked::kBusy) return asked == Asked::kUnderWay;
  if (reads_[slot]->when_busy == WhenBusy::kMiss || line_.size() >= tier_.options_.waiting_reads) {
    count(tier_.counters_.shed_reads);
    miss(slot);
    return false;
  }
  count(tier_.counters_.queued_reads);
  enter_line(slot);
  return true;
}

SsdReader::Asked SsdReader::ask(std::uint32_t slot) {
  Read& read = *reads_[slot];
  if (!look_up(read)) {
    miss(slot);
    return Asked::kAnswered;
  }
  const std::uint32_t segment = tier_.geometry_.segment_of(read.place.offset());
  if (!tier_.segments_->is_written(segment, read.place.offset() - tier_.geometry_.offset_of(segment))) {
    if (const auto waiting = tier_.log_->waiting(read.place.offset())) {
      return serve_from_memory(slot, *waiting);
    }
  }
  return ask_disk(slot);
}

bool SsdReader::look_up(Read& read) {
  for (unsigned i = 0; i < kMostMoves; ++i) {
    const bool is_first = i == 0 && read.moves == 0;
    const auto place = is_first ? tier_.index_->use(read.index_hash) : tier_.index_->find(read.index_hash);
    if (!place || (place->kind() == ssd::Place::Kind::kChunk) != static_cast<bool>(read.on_chunk)) {
      return false;
    }
    read.place = *place;
    read.spot = tier_.shared_->spot_of(place->offset());
    // Its segment was given up a moment ago: the index knows by now where it is instead, if anywhere.
    if (read.spot.generation != 0) return true;
  }
  return false;
}

// What is not on the disk yet. It is copied: who is slow to take it must not hold the memory that the log
// writes from, and what is encrypted is decrypted in place.
SsdReader::Asked SsdReader::serve_from_memory(std::uint32_t slot, const ssd::Log::Waiting& waiting) {
  const std::uint64_t bytes = std::min(waiting.available, reads_[slot]->place.read_bytes());
  const Ref<ssd::AlignedBuffer> copy = tier_.read_buffers_->take(bytes);
  if (!copy) return Asked::kBusy;
  std::memcpy(copy->data(), waiting.bytes, bytes);
  deliver(slot, copy->data(), bytes, copy);
  return Asked::kAnswered;
}

SsdReader::Asked SsdReader::ask_disk(std::uint32_t slot) {
  Read& read = *reads_[slot];
  if (under_way_ >= tier_.options_.reads_per_worker) return Asked::kBusy;
  if (!tier_.health_.may_read()) {
    count(tier_.counters_.shed_reads);
    miss(slot);
    return Asked::kAnswered;
  }
  const std::uint64_t page = read.place.offset() / kPage * kPage;
  const std::uint32_t segment = tier_.geometry_.segment_of(page);
  const std::uint64_t segment_end = tier_.geometry_.offset_of(segment) + tier_.geometry_.segment_bytes;
  const std::uint64_t bytes = std::min(read.place.read_bytes(), segment_end - page);
  read.buffer = tier_.read_buffers_->take(bytes);
  if (!read.buffer) return Asked::kBusy;
  read.busy = true;
  read.asked_ms = loop_.now_ms();
  ++under_way_;
  if (!slow_.armed()) slow_.arm(tier_.options_.read_timeout_ms);
  queue_->read(slot, page, read.buffer, static_cast<std::uint32_t>(bytes));
  return Asked::kUnderWay;
}

void SsdReader::enter_line(std::uint32_t slot) {
  Read& read = *reads_[slot];
  read.in_line = true;
  line_.push_back(slot);
  if (!slow_.armed()) slow_.arm(tier_.options_.read_timeout_ms);
  if (line_.size() == 1) wait_for_room(read);
}

void SsdReader::leave_line(std::uint32_t slot) {
  reads_[slot]->in_line = false;
  std::erase(line_, slot);
}

// For a read that ends, or for memory that comes back from any thread.
void SsdReader::wait_for_room(const Read& read) {
  if (under_way_ >= tier_.options_.reads_per_worker) return;
  const bool waits = tier_.read_buffers_->when_room(read.place.read_bytes(), this,
                                                    [&loop = loop_, self = std::weak_ptr<SsdReader*>(self_)] {
                                                      loop.post([self] {
                                                        if (const auto reader = self.lock())
                                                          (*reader)->call_the_line();
                                                      });
                                                    });
  if (!waits) room_.schedule();
}

// Those who wait, in their order, as far as there is room.
void SsdReader::call_the_line() {
  while (!line_.empty()) {
    const std::uint32_t slot = line_.front();
    line_.pop_front();
    Read& read = *reads_[slot];
    read.in_line = false;
    if (ask(slot) != Asked::kBusy) continue;
    read.in_line = true;
    line_.push_front(slot);
    return wait_for_room(read);
  }
}

void SsdReader::on_read(std::uint32_t slot, std::int64_t result) {
  Read& read = *reads_[slot];
  const Ref<ssd::AlignedBuffer> buffer = std::move(read.buffer);
  read.busy = false;
  --under_way_;
  if (!line_.empty()) call_the_line();
  if (result > 0) count(tier_.counters_.read_bytes, static_cast<std::uint64_t>(result));
  tier_.health_.read_ended(result < 0 ? static_cast<int>(-result) : 0);
  if (result < 0) count(tier_.counters_.read_errors);
  if (!read.waits()) {
    free_slot(slot);
    return;
  }
  const std::uint64_t skip = read.place.offset() % kPage;
  if (result < 0) {
    // Whoever is in the middle of a body can only be cut. So that not all who come later are cut there too,
    // the object counts as incomplete from now on; a small one is asked for elsewhere, and need not be
    // forgotten.
    if (read.on_chunk) forget(read);
    miss(slot);
  } else {
    const auto bytes = static_cast<std::uint64_t>(result);
    deliver(slot, buffer->data() + skip, bytes > skip ? bytes - skip : 0, buffer);
  }
}

// Checks what was read and hands it over.
void SsdReader::deliver(std::uint32_t slot, char* bytes, std::uint64_t available,
                        const Ref<const RefCounted>& memory) {
  Read& read = *reads_[slot];
  const auto view = ssd::open_record(bytes, available, read.spot, tier_.keyring_);
  if (!view) return take_bad_record(slot);
  // Two keys may share an entry of the index.
  if (view->key != read.key) return miss(slot);
  if (read.on_chunk) {
    const bool fits = read.size == SsdLarge::kUnknownLength || view->body.size() == read.size;
    const bool same = view->header.record_kind() == ssd::RecordKind::kChunk && fits &&
                      view->header.fill_id == read.fill_id && index_hash_of(view->header) == read.index_hash;
    if (!same) return miss(slot);
    return finish(slot, {}, {memory, view->body.data(), view->body.size()});
  }
  if (!view->header.has_meta()) return miss(slot);
  if (tier_.options_.is_dead && tier_.options_.is_dead(view->key, view->meta)) {
    count(tier_.counters_.dead_records);
    forget(read);
    return miss(slot);
  }
  if (view->header.record_kind() == ssd::RecordKind::kObject) {
    return finish(slot, {object_of(*view, memory), nullptr}, {});
  }
  finish(slot,
         {{},
          std::make_shared<const SsdLarge>(SsdLarge{read.key, read.index_hash, view->header.fill_id,
                                                    view->meta, std::string(view->head), view->header.length,
                                                    tier_.chunk_bytes()})},
         {});
}

// In the log too: what is bad now may be read well after a restart, and then somebody may have removed it who
// did not find it here. A chunk is found by its object only.
void SsdReader::forget(const Read& read) {
  if (read.on_chunk) {
    tier_.index_->erase_at(read.index_hash, read.place.offset());
  } else {
    tier_.log_->remove_at(read.index_hash, read.place.offset());
  }
}

// The disk is to blame, unless the segment was given up while it was read. Then the record may have been
// written again elsewhere.
void SsdReader::take_bad_record(std::uint32_t slot) {
  Read& read = *reads_[slot];
  if (tier_.shared_->spot_of(read.place.offset()).generation == read.spot.generation) {
    count(tier_.counters_.bad_records);
    forget(read);
    return miss(slot);
  }
  if (++read.moves >= kMostMoves) return miss(slot);
  begin(slot);
}

void SsdReader::finish(std::uint32_t slot, SsdFound found, Slice chunk) {
  Read& read = *reads_[slot];
  const OnFound on_found = std::move(read.on_found);
  const OnChunk on_chunk = std::move(read.on_chunk);
  read.on_found = nullptr;
  read.on_chunk = nullptr;
  // A slow read keeps its slot until the disk has answered.
  if (!read.busy) free_slot(slot);
  ssd::Counters& counters = tier_.counters_;
  if (on_found) {
    count(found ? counters.hits : counters.misses);
    on_found(std::move(found));
  } else if (on_chunk) {
    count(chunk.data != nullptr ? counters.chunk_hits : counters.chunk_misses);
    on_chunk(std::move(chunk));
  }
}

void SsdReader::free_slot(std::uint32_t slot) {
  reads_[slot]->serial = 0;
  reads_[slot]->buffer.reset();
  free_.push_back(slot);
}

void SsdReader::cancel(std::uint32_t slot, std::uint64_t serial) {
  Read& read = *reads_[slot];
  if (read.serial != serial) return;
  read.on_found = nullptr;
  read.on_chunk = nullptr;
  if (!read.in_line) return;
  leave_line(slot);
  free_slot(slot);
}

void SsdReader::look_for_slow_reads() {
  const std::int64_t timeout_ms = tier_.options_.read_timeout_ms;
  hangs_ = false;
  for (std::uint32_t slot = 0; slot < reads_.size(); ++slot) {
    const Read& read = *reads_[slot];
    hangs_ = hangs_ || (read.busy && loop_.now_ms() - read.asked_ms >= timeout_ms);
    const bool is_patient = read.when_busy == WhenBusy::kWait;
    const std::int64_t limit_ms = is_patient ? tier_.options_.stall_timeout_ms : timeout_ms;
    if (!read.waits() || !(read.busy || read.in_line) || loop_.now_ms() - read.began_ms < limit_ms) continue;
    count(is_patient ? tier_.counters_.stalled_reads : tier_.counters_.slow_reads);
    if (read.in_line) leave_line(slot);
    miss(slot);
  }
  if (under_way_ > 0 || !line_.empty()) slow_.arm(std::max<std::int64_t>(timeout_ms / 4, 10));
}

}  // namespace meridian
