#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "edge/tiers/ssd/read_queue.h"
#include "edge/tiers/ssd/ssd_large.h"
#include "edge/tiers/ssd/ssd_tier.h"
#include "edge/tiers/tier.h"
#include "lib/net/event_loop.h"

namespace meridian {

class SsdReader;

// What a lookup found: one of the two, or neither.
struct SsdFound {
  Ref<const Object> object;
  std::shared_ptr<const SsdLarge> large;
  explicit operator bool() const { return object || large != nullptr; }
};

// What becomes of a read that cannot begin at once, as too many are under way or too much memory is in use.
enum class WhenBusy : std::uint8_t {
  kMiss,  // it is shed: whoever asks has somewhere else to go
  kWait,  // it stands in line, up to SsdOptions::stall_timeout_ms, in which the disk must have answered too
};

// A read under way. Dropping it cancels: nobody is called. Not to outlive its reader.
class SsdRead {
 public:
  SsdRead() = default;
  SsdRead(SsdRead&& other) noexcept { *this = std::move(other); }
  SsdRead& operator=(SsdRead&& other) noexcept;
  ~SsdRead() { cancel(); }
  void cancel();
  // Lets it go on by itself.
  void detach() { reader_ = nullptr; }

 private:
  friend class SsdReader;
  SsdRead(SsdReader& reader, std::uint32_t slot, std::uint64_t serial)
      : reader_(&reader), slot_(slot), serial_(serial) {}
  SsdReader* reader_ = nullptr;
  std::uint32_t slot_ = 0;
  std::uint64_t serial_ = 0;
};

// The SSD tier as one worker sees it: finds what is there without ever blocking the worker's loop, one read
// of the disk for a small object or a chunk. What was read is checked, whole and against the full key, before
// anybody gets it. Bytes that come out are slices of the memory that was read into.
//
// As a Tier, it gives and takes whole objects. On the loop's thread; the tier outlives it.
class SsdReader final : public Tier, ssd::ReadQueue::Owner {
 public:
  SsdReader(SsdTier& tier, EventLoop& loop);
  ~SsdReader() override;

  using OnFound = std::function<void(SsdFound)>;
  using OnChunk = std::function<void(Slice)>;
  // Calls back once, perhaps inside. `hash` is hash_of_key(key).
  SsdRead find(std::uint64_t hash, std::string_view key, OnFound done);
  // An empty owner and no data: it is not there. Calls back once, perhaps inside.
  SsdRead read_chunk(const SsdLarge& object, std::uint64_t chunk, OnChunk done,
                     WhenBusy when_busy = WhenBusy::kMiss);
  // The disk has not answered for longer than a request is to wait for it.
  bool hangs() const { return hangs_; }
  std::size_t under_way() const { return under_way_; }
  bool uses_uring() const { return uses_uring_; }

  std::string_view name() const override { return "ssd"; }
  // Whole objects only, up to kMostWhole; a larger one is for find().
  static constexpr std::uint64_t kMostWhole = 64 << 20;
  void get(std::string_view key, std::function<void(Ref<const Object>)> done) override;
  // All of this body, or an empty Ref.
  void gather(std::shared_ptr<const SsdLarge> large, std::function<void(Ref<const Object>)> done);
  void put(Ref<const Object> object) override { tier_.put(object); }
  void remove(std::string_view key) override { tier_.remove(key); }
  TierStats stats() const override { return tier_.stats(); }

 private:
  friend class SsdRead;
  // One read, from the lookup to the callback.
  struct Read {
    std::uint64_t serial = 0;  // changes when the slot is used again
    bool busy = false;         // the disk has it
    bool in_line = false;      // it waits for room
    WhenBusy when_busy = WhenBusy::kMiss;
    unsigned moves = 0;  // how often its record was not where it had been
    std::string key;
    std::uint64_t index_hash = 0;
    std::uint64_t fill_id = 0;  // of a chunk
    std::uint64_t size = 0;     // that the chunk must have
    ssd::Place place;
    ssd::RecordSpot spot;
    std::int64_t began_ms = 0;
    std::int64_t asked_ms = 0;  // the disk
    Ref<ssd::AlignedBuffer> buffer;
    OnFound on_found;
    OnChunk on_chunk;
    bool waits() const { return on_found || on_chunk; }
  };
  enum class Asked : std::uint8_t { kAnswered, kUnderWay, kBusy };
  // Fills `read` in; false: it is a miss already.
  bool look_up(Read& read);
  std::uint32_t take_slot();
  SsdRead start(std::uint64_t index_hash, std::string_view key, Read&& wanted);
  // False: it was answered.
  bool begin(std::uint32_t slot);
  Asked ask(std::uint32_t slot);
  Asked serve_from_memory(std::uint32_t slot, const ssd::Log::Waiting& waiting);
  Asked ask_disk(std::uint32_t slot);
  void enter_line(std::uint32_t slot);
  void leave_line(std::uint32_t slot);
  void wait_for_room(const Read& read);
  void call_the_line();
  void on_read(std::uint32_t slot, std::int64_t result) override;
  void take_bad_record(std::uint32_t slot);
  void deliver(std::uint32_t slot, char* bytes, std::uint64_t available, const Ref<const RefCounted>& memory);
  void forget(const Read& read);
  void finish(std::uint32_t slot, SsdFound found, Slice chunk);
  void miss(std::uint32_t slot) { finish(slot, {}, {}); }
  void free_slot(std::uint32_t slot);
  void look_for_slow_reads();
  void cancel(std::uint32_t slot, std::uint64_t serial);

  SsdTier& tier_;
  EventLoop& loop_;
  std::vector<std::unique_ptr<Read>> reads_;
  std::vector<std::uint32_t> free_;
  std::size_t under_way_ = 0;
  std::deque<std::uint32_t> line_;
  Soon room_;  // calls the line
  std::uint64_t next_serial_ = 1;
  Timer slow_;
  bool hangs_ = false;
  bool uses_uring_ = false;
  std::unique_ptr<ssd::ReadQueue> queue_;
  // For what other threads post; gone with the reader.
  const std::shared_ptr<SsdReader*> self_ = std::make_shared<SsdReader*>(this);
};

}  // namespace meridian
