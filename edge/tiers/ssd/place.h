#pragma once

#include <algorithm>
#include <cstdint>

namespace meridian::ssd {

// Direct I/O moves whole pages; records begin at multiples of a unit.
inline constexpr std::uint64_t kPage = 4096;
inline constexpr std::uint64_t kUnit = 64;

constexpr std::uint64_t round_up(std::uint64_t bytes, std::uint64_t multiple) {
  return (bytes + multiple - 1) / multiple * multiple;
}

// Sizes in pages, in six bits: every size up to 32 pages, then steps of 8 pages up to 288.
struct PageClass {
  static constexpr unsigned kCount = 64;
  static constexpr unsigned kExact = 32;
  static constexpr unsigned kStep = 8;
  static constexpr std::uint64_t kMostPages = kExact + (kCount - kExact) * kStep;

  static constexpr unsigned of(std::uint64_t pages) {
    if (pages <= kExact) return static_cast<unsigned>(std::max<std::uint64_t>(pages, 1) - 1);
    return static_cast<unsigned>(kExact - 1 + (pages - kExact + kStep - 1) / kStep);
  }
  static constexpr std::uint64_t pages(unsigned page_class) {
    if (page_class < kExact) return page_class + 1;
    return kExact + std::uint64_t{page_class - kExact + 1} * kStep;
  }
};

// What the index knows of one record, in 48 bits: where it begins in the file (up to 16 TiB), how much to
// read so that one read fetches it whole, what it is, and how often it was asked for since it was written.
class Place {
 public:
  enum class Kind : std::uint8_t { kNone, kObject, kHead, kChunk };
  static constexpr unsigned kLocationBits = 38;
  static constexpr std::uint64_t kMostBytes = kUnit << kLocationBits;
  static constexpr unsigned kMostFrequency = 3;

  Place() = default;
  explicit Place(std::uint64_t value) : value_(value) {}
  Place(std::uint64_t offset, std::uint64_t bytes, Kind kind)
      : value_(offset / kUnit |
               std::uint64_t{PageClass::of((offset % kPage + bytes + kPage - 1) / kPage)} << kClassShift |
               std::uint64_t{static_cast<std::uint8_t>(kind)} << kKindShift) {}

  std::uint64_t value() const { return value_; }
  std::uint64_t offset() const { return (value_ & kLocationMask) * kUnit; }
  // From the beginning of the page that it begins in.
  std::uint64_t read_bytes() const { return PageClass::pages(value_ >> kClassShift & 63U) * kPage; }
  Kind kind() const { return static_cast<Kind>(value_ >> kKindShift & 3U); }
  unsigned frequency() const { return static_cast<unsigned>(value_ >> kFrequencyShift & 3U); }
  Place used_once_more() const {
    return frequency() == kMostFrequency ? *this : Place(value_ + kFrequencyOne);
  }

 private:
  static constexpr unsigned kClassShift = kLocationBits;
  static constexpr unsigned kFrequencyShift = kClassShift + 6;
  static constexpr unsigned kKindShift = kFrequencyShift + 2;
  static constexpr std::uint64_t kFrequencyOne = 1ULL << kFrequencyShift;
  static constexpr std::uint64_t kLocationMask = (1ULL << kLocationBits) - 1;
  std::uint64_t value_ = 0;
};

}  // namespace meridian::ssd
