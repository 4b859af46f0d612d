#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "edge/tiers/ssd/place.h"
#include "lib/base/mutex.h"

namespace meridian::ssd {

// Where each record lies, in 10 bytes a record and about 13 with the room between them. Many small tables,
// each with a lock of its own that is held for one operation. A table is kept sorted by tag, at the place
// that the tag's share of its range gives or behind it (ordered linear probing: Amble and Knuth, 1974), so
// that a miss ends soon at a high load, and growing by an eighth is one pass in order.
//
// Knows a record by 32 bits of its hash and the table that the others choose: two records that agree in all
// of them (one pair in about 10^6 at 10 million objects) share an entry, and the later one takes it. Whoever
// reads the record tells by its full key.
//
// Any thread.
class Index {
 public:
  // 2^table_bits tables.
  Index(unsigned table_bits, std::uint64_t seed);
  ~Index();
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  std::optional<Place> find(std::uint64_t hash) const;
  // Counts the use.
  std::optional<Place> use(std::uint64_t hash);
  // True: it took the place of another.
  bool put(std::uint64_t hash, Place place);
  // The same, unless what is there is newer by the order given.
  void put_newer(std::uint64_t hash, Place place, const std::function<bool(Place, Place)>& is_newer);
  std::optional<Place> erase(std::uint64_t hash);
  // These do something only while the entry is the one at `offset`; whether it was.
  bool erase_at(std::uint64_t hash, std::uint64_t offset);
  bool move(std::uint64_t hash, std::uint64_t offset, Place to);
  // Everything at offsets of [first, last); looks at every entry. Returns how many objects that were.
  std::uint64_t erase_between(std::uint64_t first, std::uint64_t last);

  std::uint64_t objects() const { return objects_.load(std::memory_order_relaxed); }
  std::uint64_t chunks() const { return chunks_.load(std::memory_order_relaxed); }
  // All memory that it takes from the allocator.
  std::size_t footprint_bytes() const;

 private:
  class Table;
  struct Spot {
    Table& table;
    std::uint32_t tag;
  };
  Spot spot_of(std::uint64_t hash) const;
  void count(Place::Kind kind, std::uint64_t by);

  const std::uint64_t seed_;
  const unsigned table_bits_;
  const std::unique_ptr<Table[]> tables_;
  std::atomic<std::uint64_t> objects_{0};
  std::atomic<std::uint64_t> chunks_{0};
};

}  // namespace meridian::ssd
