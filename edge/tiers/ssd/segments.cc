#include "edge/tiers/ssd/segments.h"

#include <algorithm>

namespace meridian::ssd {

Segments::Segments(const Geometry& geometry, const Recovered& recovered)
    : geometry_(geometry),
      table_(std::make_unique<Entry[]>(geometry.segment_count)),
      next_generation_(recovered.next_generation) {
  for (std::uint32_t i = 0; i < geometry.segment_count; ++i) {
    table_[i].generation.store(recovered.generations[i], std::memory_order_relaxed);
    table_[i].written.store(geometry.segment_bytes, std::memory_order_relaxed);
    (recovered.generations[i] == 0 ? free_ : sealed_).push_back(i);
  }
  std::sort(sealed_.begin(), sealed_.end(),
            [&](std::uint32_t a, std::uint32_t b) { return generation(a) < generation(b); });
}

std::optional<SegmentHead> Segments::open() {
  if (free_.empty()) return std::nullopt;
  const std::uint32_t segment = free_.front();
  free_.pop_front();
  const std::uint64_t generation = next_generation_++;
  set_written(segment, 0);
  table_[segment].generation.store(generation, std::memory_order_release);
  return SegmentHead{generation, segment};
}

std::optional<std::uint32_t> Segments::take_oldest() {
  if (sealed_.empty()) return std::nullopt;
  const std::uint32_t segment = sealed_.front();
  sealed_.pop_front();
  return segment;
}

void Segments::give_free(std::uint32_t segment) {
  table_[segment].generation.store(0, std::memory_order_release);
  free_.push_back(segment);
}

std::uint64_t Segments::used_bytes() const {
  return Geometry::kFirstSegment + (geometry_.segment_count - free_.size()) * geometry_.segment_bytes;
}

}  // namespace meridian::ssd
