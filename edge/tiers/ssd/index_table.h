#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "edge/tiers/ssd/index.h"
#include "lib/base/mutex.h"

namespace meridian::ssd {

// One table of the index: its cells and their lock. A cell is 4 bytes of tag and 6 of Place; Place is never 0
// in a cell in use. Cells are sorted by tag, and between a cell and the home of its tag there is no gap.
class alignas(64) Index::Table {
 public:
  Mutex& mutex() const { return mutex_; }
  static constexpr std::size_t kCellBytes = 10;

  // The functions below need the lock.
  std::optional<Place> find(std::uint32_t tag) const;
  void set(std::uint32_t tag, Place place);  // of a tag that is there
  void insert(std::uint32_t tag, Place place);
  void erase(std::uint32_t tag);
  // Removes each cell for which `drop(place)` says so.
  template <class Drop>
  void sweep(const Drop& drop) {
    if (count_ == 0) return;
    std::uint32_t kept = 0;
    for (std::uint32_t i = 0; i < cells_; ++i) {
      const Place place = place_at(i);
      if (place.value() == 0) continue;
      const std::uint32_t tag = tag_at(i);
      write(i, 0, Place());
      if (!drop(place)) write(kept++, tag, place);
    }
    const bool fewer = kept < count_;
    count_ = kept;
    spread(fewer ? homes_for(kept) : homes_);
  }
  std::size_t footprint_bytes() const;

 private:
  // Places behind the last home for tags that are pushed over the end.
  static constexpr std::uint32_t kOverflow = 16;
  static std::uint32_t homes_for(std::uint32_t count);

  std::uint32_t home_of(std::uint32_t tag) const {
    return static_cast<std::uint32_t>(std::uint64_t{tag} * homes_ >> 32U);
  }
  // The first cell from the tag's home on that is empty or has this tag or a larger one.
  std::uint32_t seek(std::uint32_t tag) const;
  std::uint32_t tag_at(std::uint32_t i) const;
  Place place_at(std::uint32_t i) const;
  void write(std::uint32_t i, std::uint32_t tag, Place place);
  // Allocates for that many homes and puts every cell where it then belongs.
  void spread(std::uint32_t homes);

  mutable Mutex mutex_;
  std::unique_ptr<unsigned char[]> bytes_;
  std::uint32_t cells_ = 0;  // room for so many
  std::uint32_t homes_ = 0;
  std::uint32_t count_ = 0;  // in use
};

}  // namespace meridian::ssd
