#include "edge/tiers/ssd/index_table.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "lib/base/bytes.h"
#include "lib/base/check.h"

namespace meridian::ssd {
namespace {

constexpr std::uint32_t kFewestHomes = 8;

}  // namespace

std::uint32_t Index::Table::homes_for(std::uint32_t count) {
  return std::max(kFewestHomes, count + count / 4);
}

std::uint32_t Index::Table::tag_at(std::uint32_t i) const {
  std::uint32_t tag = 0;
  std::memcpy(&tag, &bytes_[i * kCellBytes], sizeof tag);
  return tag;
}

Place Index::Table::place_at(std::uint32_t i) const {
  std::uint64_t value = 0;
  std::memcpy(&value, &bytes_[i * kCellBytes + 4], 6);
  return Place(value);
}

void Index::Table::write(std::uint32_t i, std::uint32_t tag, Place place) {
  const std::uint64_t value = place.value();
  std::memcpy(&bytes_[i * kCellBytes], &tag, sizeof tag);
  std::memcpy(&bytes_[i * kCellBytes + 4], &value, 6);
}

std::uint32_t Index::Table::seek(std::uint32_t tag) const {
  std::uint32_t i = home_of(tag);
  while (i < cells_ && place_at(i).value() != 0 && tag_at(i) < tag) ++i;
  return i;
}

std::optional<Place> Index::Table::find(std::uint32_t tag) const {
  if (count_ == 0) return std::nullopt;
  const std::uint32_t i = seek(tag);
  if (i == cells_ || tag_at(i) != tag) return std::nullopt;
  const Place place = place_at(i);
  return place.value() == 0 ? std::nullopt : std::optional(place);
}

void Index::Table::set(std::uint32_t tag, Place place) { write(seek(tag), tag, place); }

void Index::Table::insert(std::uint32_t tag, Place place) {
  // At most seven homes of eight in use.
  if (count_ >= homes_ - homes_ / 8) spread(std::max(kFewestHomes, homes_ + homes_ / 8));
  std::uint32_t at = seek(tag);
  std::uint32_t gap = at;
  while (gap < cells_ && place_at(gap).value() != 0) ++gap;
  while (gap >= cells_) {
    spread(homes_ + homes_ / 8 + 1);
    at = gap = seek(tag);
    while (gap < cells_ && place_at(gap).value() != 0) ++gap;
  }
  std::memmove(&bytes_[(at + 1) * kCellBytes], &bytes_[at * kCellBytes], (gap - at) * kCellBytes);
  write(at, tag, place);
  ++count_;
}

void Index::Table::erase(std::uint32_t tag) {
  const std::uint32_t at = seek(tag);
  std::uint32_t end = at + 1;
  while (end < cells_ && place_at(end).value() != 0 && home_of(tag_at(end)) < end) ++end;
  std::memmove(&bytes_[at * kCellBytes], &bytes_[(at + 1) * kCellBytes], (end - at - 1) * kCellBytes);
  write(end - 1, 0, Place());
  --count_;
  if (homes_ > kFewestHomes && count_ < homes_ / 2) spread(homes_for(count_));
}

void Index::Table::spread(std::uint32_t homes) {
  std::vector<unsigned char> old(std::size_t{count_} * kCellBytes);
  std::uint32_t filled = 0;
  for (std::uint32_t i = 0; i < cells_; ++i) {
    if (place_at(i).value() == 0) continue;
    std::memcpy(&old[filled++ * kCellBytes], &bytes_[i * kCellBytes], kCellBytes);
  }
  CHECK(filled == count_);
  for (;; homes += homes / 8 + 1) {
    homes_ = homes;
    cells_ = homes + kOverflow;
    bytes_ = std::make_unique<unsigned char[]>(cells_ * kCellBytes);
    std::uint32_t next = 0;
    std::uint32_t placed = 0;
    for (; placed < filled; ++placed) {
      std::uint32_t tag = 0;
      std::memcpy(&tag, &old[placed * kCellBytes], sizeof tag);
      const std::uint32_t at = std::max(next, home_of(tag));
      if (at >= cells_) break;
      std::memcpy(&bytes_[at * kCellBytes], &old[placed * kCellBytes], kCellBytes);
      next = at + 1;
    }
    if (placed == filled) return;
  }
}

std::size_t Index::Table::footprint_bytes() const {
  return bytes_ == nullptr ? 0 : allocated_bytes(bytes_.get());
}

}  // namespace meridian::ssd
