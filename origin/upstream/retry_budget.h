#pragma once

#include <cstdint>

#include "origin/upstream/rate_window.h"

namespace meridian::upstream {

// Retries as a share of the requests of the last ten seconds, so that retries cannot bring a weak origin
// down. A few are always allowed: else a quiet group could never retry. Any thread.
class RetryBudget {
 public:
  static constexpr std::uint64_t kAlwaysAllowed = 3;

  explicit RetryBudget(double share) : share_(share) {}
  void count_request(std::int64_t now_ms) { window_.count_all(now_ms); }
  // True, and counted, when one more retry fits.
  bool take(std::int64_t now_ms) {
    const RateWindow::Sums sums = window_.sums(now_ms);
    const double share = share_ * static_cast<double>(sums.all);
    if (sums.some >= kAlwaysAllowed && static_cast<double>(sums.some) + 1 > share) return false;
    window_.count_some(now_ms);
    return true;
  }

 private:
  double share_;
  RateWindow window_;
};

}  // namespace meridian::upstream
