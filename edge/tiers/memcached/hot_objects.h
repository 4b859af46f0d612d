#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

namespace meridian::memcached {

// Which objects are worth sharing with the region: small, and hit here so often since they were stored.
// Called for each hit in memory, so it is two loads and a store: a table of 16-bit prints with a count each,
// one place for each hash. A newcomer wears down the count of what has its place before it takes it (as in
// HeavyKeeper: Gong et al., USENIX ATC 2018), so that what is hot is not forgotten for what comes once. It
// may err, as two threads may write one place at once, or as two objects may look the same: then an object is
// written once too often, or a hit later. Shared by all workers.
class HotObjects {
 public:
  // `after_hits` 0: whatever is small, as soon as it is stored.
  HotObjects(std::uint64_t max_object_bytes, unsigned after_hits);

  // Whether an object that was just stored here is written at once.
  bool on_store(std::uint64_t hash, std::uint64_t content_bytes);
  // A hit in memory. True when this is the one after which the object is written: once, until it is stored
  // anew.
  bool on_hit(std::uint64_t hash, std::uint64_t content_bytes);
  // Whether memcached was given it, or gave it, as far as is known here.
  bool is_shared(std::uint64_t hash, std::uint64_t content_bytes) const;
  // It came from memcached, so it need not go there again.
  void on_found(std::uint64_t hash);

  static constexpr std::size_t kPlaces = 64 * 1024;

 private:
  struct Place {
    std::uint16_t print = 0;
    std::uint8_t worth = 0;  // hits, less those of others; 0: nobody's
    bool is_written = false;
  };
  static constexpr std::uint8_t kMostWorth = 255;

  using Cell = std::atomic<std::uint32_t>;
  static Place unpack(std::uint32_t bits) {
    return {static_cast<std::uint16_t>(bits >> 16U), static_cast<std::uint8_t>(bits >> 8U), (bits & 1U) != 0};
  }
  static std::uint32_t pack(Place place) {
    return std::uint32_t{place.print} << 16U | std::uint32_t{place.worth} << 8U |
           (place.is_written ? 1U : 0U);
  }
  Cell& cell_of(std::uint64_t hash) const { return (*cells_)[hash & (kPlaces - 1)]; }
  static std::uint16_t print_of(std::uint64_t hash) { return static_cast<std::uint16_t>(hash >> 48U); }

  const std::uint64_t max_object_bytes_;
  const unsigned after_hits_;
  const std::unique_ptr<std::array<Cell, kPlaces>> cells_;
};

}  // namespace meridian::memcached
