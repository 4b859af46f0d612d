#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <optional>

namespace meridian::edge {

// How long something took lately: counts in steps of a quarter of a power of two, from 64 us to a minute,
// which are halved once there are many, so that what was long ago counts less and less. Any thread, no locks:
// two threads may both halve, or lose a count between them, and what is asked for stays near enough.
class LatencySketch {
 public:
  static constexpr std::uint32_t kLeastSamples = 32;
  static constexpr std::uint32_t kMostSamples = 2048;

  void add(std::int64_t took_us) {
    counts_[step_of(took_us)].fetch_add(1, std::memory_order_relaxed);
    if (samples_.fetch_add(1, std::memory_order_relaxed) + 1 >= kMostSamples) halve();
  }
  // What `share` of them did not exceed, rounded up to a step; nothing while they are too few.
  std::optional<std::int64_t> percentile_us(double share) const {
    std::uint64_t total = 0;
    for (const auto& count : counts_) total += count.load(std::memory_order_relaxed);
    if (total < kLeastSamples) return std::nullopt;
    const double wanted = share * static_cast<double>(total);
    std::uint64_t seen = 0;
    for (std::size_t step = 0; step < kSteps; ++step) {
      seen += counts_[step].load(std::memory_order_relaxed);
      if (static_cast<double>(seen) >= wanted) return end_of(step);
    }
    return end_of(kSteps - 1);
  }

 private:
  static constexpr unsigned kFirstBit = 6;  // 64 us
  static constexpr std::size_t kSteps = 80;

  static std::size_t step_of(std::int64_t took_us) {
    const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(took_us, 1));
    const auto bit = static_cast<unsigned>(std::bit_width(us)) - 1;
    if (bit < kFirstBit) return 0;
    const std::uint64_t quarter = (us >> (bit - 2)) & 3U;
    return std::min<std::size_t>((bit - kFirstBit) * 4 + quarter + 1, kSteps - 1);
  }
  // The first microsecond that is beyond the step.
  static std::int64_t end_of(std::size_t step) {
    const std::size_t power = kFirstBit + step / 4;
    return static_cast<std::int64_t>((std::uint64_t{4} + step % 4) << (power - 2));
  }
  void halve() {
    std::uint32_t total = 0;
    for (auto& count : counts_) {
      const std::uint32_t half = count.load(std::memory_order_relaxed) / 2;
      count.store(half, std::memory_order_relaxed);
      total += half;
    }
    samples_.store(total, std::memory_order_relaxed);
  }

  std::array<std::atomic<std::uint32_t>, kSteps> counts_{};
  std::atomic<std::uint32_t> samples_{0};
};

}  // namespace meridian::edge
