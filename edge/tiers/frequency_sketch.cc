#include "edge/tiers/frequency_sketch.h"

#include <algorithm>

namespace meridian {

std::uint64_t FrequencySketch::mix(std::uint64_t hash) {
  hash *= 0x9E3779B97F4A7C15ULL;
  return hash ^ (hash >> 32U);
}

FrequencySketch::Place FrequencySketch::place(std::uint64_t mixed, std::size_t row) {
  // The blocks take the low bits; the top twenty say where in the block, five for each row.
  const auto bits = static_cast<unsigned>(mixed >> (44U + 5U * row)) & 31U;
  return {2 * row + (bits >> 4U), 4 * (bits & 15U)};
}

void FrequencySketch::set_limit(std::size_t objects) {
  if (blocks_.empty() && objects > 0) blocks_.resize(1);
  while (objects > blocks_.size() * kObjectsPerBlock) {
    // A block's keys belong to it or to its new twin; both get all counts, which are too high until they age.
    const std::size_t old = blocks_.size();
    blocks_.resize(2 * old);
    std::copy_n(blocks_.begin(), old, blocks_.begin() + static_cast<std::ptrdiff_t>(old));
  }
}

void FrequencySketch::add(std::uint64_t hash, unsigned times) {
  if (blocks_.empty()) return;
  const std::uint64_t mixed = mix(hash);
  const unsigned wanted = std::min(estimate(hash) + times, kMax);
  Block& block = blocks_[block_of(mixed)];
  // Only counters that are below the new count are raised: the others belong to somebody else as well.
  for (std::size_t row = 0; row < kRows; ++row) {
    const Place at = place(mixed, row);
    std::uint64_t& word = block.words[at.word];
    if (((word >> at.shift) & kMax) >= wanted) continue;
    word = (word & ~(std::uint64_t{kMax} << at.shift)) | (std::uint64_t{wanted} << at.shift);
  }
  added_ += times;
  while (added_ >= window_ * kObjectsPerBlock) {
    added_ -= window_ * kObjectsPerBlock;
    age();
  }
}

void FrequencySketch::age() {
  constexpr std::uint64_t kLowThree = 0x7777777777777777ULL;
  for (std::uint64_t& word : blocks_[next_aged_].words) word = (word >> 1U) & kLowThree;
  next_aged_ = (next_aged_ + 1) & (blocks_.size() - 1);
}

unsigned FrequencySketch::estimate(std::uint64_t hash) const {
  if (blocks_.empty()) return 0;
  const std::uint64_t mixed = mix(hash);
  const Block& block = blocks_[block_of(mixed)];
  unsigned least = kMax;
  for (std::size_t row = 0; row < kRows; ++row) {
    const Place at = place(mixed, row);
    least = std::min(least, static_cast<unsigned>(block.words[at.word] >> at.shift) & kMax);
  }
  return least;
}

}  // namespace meridian
