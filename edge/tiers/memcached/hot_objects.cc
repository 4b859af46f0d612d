#include "edge/tiers/memcached/hot_objects.h"

#include <algorithm>

namespace meridian::memcached {

HotObjects::HotObjects(std::uint64_t max_object_bytes, unsigned after_hits)
    : max_object_bytes_(max_object_bytes),
      after_hits_(std::min<unsigned>(after_hits, kMostWorth)),
      cells_(std::make_unique<std::array<Cell, kPlaces>>()) {}

bool HotObjects::on_store(std::uint64_t hash, std::uint64_t content_bytes) {
  Cell& cell = cell_of(hash);
  const Place place = unpack(cell.load(std::memory_order_relaxed));
  // What is written counts from now on; what another object has earned stays.
  if (place.print == print_of(hash)) cell.store(pack({}), std::memory_order_relaxed);
  return after_hits_ == 0 && content_bytes <= max_object_bytes_;
}

bool HotObjects::on_hit(std::uint64_t hash, std::uint64_t content_bytes) {
  if (after_hits_ == 0 || content_bytes > max_object_bytes_) return false;
  Cell& cell = cell_of(hash);
  Place place = unpack(cell.load(std::memory_order_relaxed));
  if (place.print != print_of(hash) && place.worth > 0) {
    --place.worth;
    cell.store(pack(place), std::memory_order_relaxed);
    return false;
  }
  if (place.print != print_of(hash)) place = {.print = print_of(hash)};
  // The usual case of a hot object: nothing changes, and no cache line is taken from other cores.
  if (place.is_written && place.worth == kMostWorth) return false;
  if (place.worth < kMostWorth) ++place.worth;
  const bool is_due = !place.is_written && place.worth >= after_hits_;
  place.is_written = place.is_written || is_due;
  cell.store(pack(place), std::memory_order_relaxed);
  return is_due;
}

bool HotObjects::is_shared(std::uint64_t hash, std::uint64_t content_bytes) const {
  if (content_bytes > max_object_bytes_) return false;
  const Place place = unpack(cell_of(hash).load(std::memory_order_relaxed));
  return after_hits_ == 0 || (place.print == print_of(hash) && place.is_written);
}

void HotObjects::on_found(std::uint64_t hash) {
  cell_of(hash).store(pack({.print = print_of(hash), .worth = 1, .is_written = true}),
                      std::memory_order_relaxed);
}

}  // namespace meridian::memcached
