#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "edge/tiers/ssd/segment_format.h"

namespace meridian::ssd {

// What recovery found of one segment that had no end.
struct OpenedAgain {
  SegmentHead head;
  std::vector<TocEntry> entries;
};
struct Recovered {
  std::vector<std::uint64_t> generations;  // of each segment; 0: free
  std::vector<OpenedAgain> without_end;
  std::uint64_t next_generation = 1;
  std::uint64_t distrusted = 0;  // segments that were dropped
  // They are free now and must stay so: what damage made doubtful, and what could not be read this time.
  std::vector<std::uint32_t> to_blank;
};

// Which generation each segment holds, how far it is written, and in which order segments are written and
// given up. The two numbers of each segment are read by anybody; everything else needs the lock of the log.
class Segments {
 public:
  Segments(const Geometry& geometry, const Recovered& recovered);

  // Of the segment's records; 0: it holds none. What was read of a segment is of this generation or nothing.
  std::uint64_t generation(std::uint32_t segment) const {
    return table_[segment].generation.load(std::memory_order_acquire);
  }
  // Whether the segment's disk, rather than the log's memory, has the bytes before `offset_in_segment`.
  bool is_written(std::uint32_t segment, std::uint64_t offset_in_segment) const {
    return offset_in_segment < table_[segment].written.load(std::memory_order_acquire);
  }
  void set_written(std::uint32_t segment, std::uint64_t bytes) {
    table_[segment].written.store(bytes, std::memory_order_release);
  }

  // --- under the lock of the log ---
  std::size_t free_count() const { return free_.size(); }
  std::size_t sealed_count() const { return sealed_.size(); }
  // The segment that was free for longest, under a new generation.
  std::optional<SegmentHead> open();
  void seal(std::uint32_t segment) { sealed_.push_back(segment); }
  // The oldest; whoever takes it gives it back free.
  std::optional<std::uint32_t> take_oldest();
  void give_free(std::uint32_t segment);
  // It was taken and could not be given up.
  void put_back(std::uint32_t segment) { sealed_.push_front(segment); }
  std::uint64_t used_bytes() const;

 private:
  struct Entry {
    std::atomic<std::uint64_t> generation{0};
    std::atomic<std::uint64_t> written{0};
  };
  const Geometry& geometry_;
  const std::unique_ptr<Entry[]> table_;
  std::deque<std::uint32_t> free_;
  std::deque<std::uint32_t> sealed_;
  std::uint64_t next_generation_;
};

}  // namespace meridian::ssd
