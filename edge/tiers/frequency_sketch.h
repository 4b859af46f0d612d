#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace meridian {

// How often each key was seen lately, roughly: a count-min sketch of 4-bit counters (Einziger et al.,
// "TinyLFU", ACM Transactions on Storage 2017) in which all four counters of a key lie in one cache line.
// Counts age: after every `window` additions per object of the limit each counter has been halved once, a
// block at a time, so that no addition pays for all of them. 4 to 8 bytes for each object of the limit. Not
// thread-safe.
class FrequencySketch {
 public:
  static constexpr unsigned kMax = 15;
  static constexpr std::size_t kWindow = 10;

  // `window`: additions per object of the limit after which all counts have been halved. The more different
  // keys are added in that time, the more they are taken for one another.
  explicit FrequencySketch(std::size_t window = kWindow) : window_(window) {}

  // How many objects to tell apart; grows by doubling, never shrinks.
  void set_limit(std::size_t objects);
  void add(std::uint64_t hash, unsigned times = 1);
  // At least how often it was added lately, unless that has aged; kMax stands for all that is above.
  unsigned estimate(std::uint64_t hash) const;
  std::size_t footprint_bytes() const { return blocks_.capacity() * sizeof(Block); }

 private:
  static constexpr std::size_t kRows = 4;
  static constexpr std::size_t kObjectsPerBlock = 16;
  // Each row of counters has two words of sixteen.
  struct alignas(64) Block {
    std::array<std::uint64_t, 2 * kRows> words{};
  };
  struct Place {
    std::size_t word;
    unsigned shift;
  };
  static std::uint64_t mix(std::uint64_t hash);
  static Place place(std::uint64_t mixed, std::size_t row);
  std::size_t block_of(std::uint64_t mixed) const { return mixed & (blocks_.size() - 1); }
  void age();

  std::size_t window_;
  std::vector<Block> blocks_;  // a power of two of them, or none
  std::size_t next_aged_ = 0;
  std::size_t added_ = 0;  // since a block was aged
};

}  // namespace meridian
