#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace meridian {

// Remembers which objects were evicted lately, as 16-bit fingerprints: two bytes an entry. Buckets of one
// cache line are small FIFO queues; together they hold about `limit` entries. A stranger is taken for a ghost
// about once in 65536 / kWays lookups, which only means that it enters the main queue. Not thread-safe.
class GhostQueue {
 public:
  static constexpr std::size_t kWays = 32;

  // How many entries to remember; grows by doubling, never shrinks its table.
  void set_limit(std::size_t entries);
  void add(std::uint64_t hash);
  // Whether it is there; it is forgotten by being asked for.
  bool take(std::uint64_t hash);
  std::size_t footprint_bytes() const { return buckets_.capacity() * sizeof(Bucket); }

 private:
  // Newest first; 0 is an empty place.
  struct alignas(64) Bucket {
    std::array<std::uint16_t, kWays> prints{};
  };
  static std::uint16_t print_of(std::uint64_t hash);
  Bucket& bucket_of(std::uint64_t hash) { return buckets_[hash & (buckets_.size() - 1)]; }

  std::vector<Bucket> buckets_;  // a power of two of them, or none
  std::size_t ways_ = 0;         // how many places of each bucket are in use
};

}  // namespace meridian
