#pragma once

#include <cstdint>

namespace meridian {

// How many bytes may be written: a token bucket that fills at the rate of the budget and holds one hour of
// it. In any time t at most t times the rate, one hour's worth, and one object are written. Not thread-safe.
class WriteBudget {
 public:
  static constexpr std::int64_t kDayMs = 86'400'000;
  static constexpr std::int64_t kBurstMs = 3'600'000;

  // 0: without limit. Starts with a full bucket.
  WriteBudget(std::uint64_t bytes_per_day, std::int64_t now_ms);
  // The share of the bucket that is used up: 0 when it is full, 1 when nothing is left.
  double scarcity(std::int64_t now_ms);
  // Takes what is to be written; false when nothing is left. The last one may take more than there is: the
  // bucket owes it then, so that an object larger than the bucket can be written at all.
  bool take(std::uint64_t bytes, std::int64_t now_ms);
  // Takes what is written in any case.
  void charge(std::uint64_t bytes, std::int64_t now_ms);
  // What is left changes in proportion.
  void set_rate(std::uint64_t bytes_per_day, std::int64_t now_ms);

 private:
  void fill(std::int64_t now_ms);

  double bytes_per_ms_ = 0;
  double most_bytes_ = 0;
  double left_bytes_ = 0;
  std::int64_t filled_ms_ = 0;
};

}  // namespace meridian
