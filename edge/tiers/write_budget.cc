#include "edge/tiers/write_budget.h"

#include <algorithm>

namespace meridian {

WriteBudget::WriteBudget(std::uint64_t bytes_per_day, std::int64_t now_ms) : filled_ms_(now_ms) {
  set_rate(bytes_per_day, now_ms);
}

void WriteBudget::set_rate(std::uint64_t bytes_per_day, std::int64_t now_ms) {
  fill(now_ms);
  const double share = most_bytes_ > 0 ? left_bytes_ / most_bytes_ : 1;
  bytes_per_ms_ = static_cast<double>(bytes_per_day) / static_cast<double>(kDayMs);
  most_bytes_ = bytes_per_ms_ * static_cast<double>(kBurstMs);
  left_bytes_ = share * most_bytes_;
}

void WriteBudget::fill(std::int64_t now_ms) {
  if (now_ms <= filled_ms_) return;
  left_bytes_ = std::min(most_bytes_, left_bytes_ + bytes_per_ms_ * static_cast<double>(now_ms - filled_ms_));
  filled_ms_ = now_ms;
}

double WriteBudget::scarcity(std::int64_t now_ms) {
  if (most_bytes_ == 0) return 0;
  fill(now_ms);
  return std::clamp(1 - left_bytes_ / most_bytes_, 0.0, 1.0);
}

bool WriteBudget::take(std::uint64_t bytes, std::int64_t now_ms) {
  fill(now_ms);
  if (most_bytes_ > 0 && left_bytes_ <= 0) return false;
  left_bytes_ -= static_cast<double>(bytes);
  return true;
}

void WriteBudget::charge(std::uint64_t bytes, std::int64_t now_ms) {
  fill(now_ms);
  left_bytes_ -= static_cast<double>(bytes);
}

}  // namespace meridian
