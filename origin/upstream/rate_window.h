#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace meridian::upstream {

// Two counts over the last ten seconds, in buckets of one second: requests and failures of a target, or
// requests and retries of a group. Counted by all workers at once without a lock; at the turn of a second a
// few counts may be lost, which a rate can bear.
class RateWindow {
 public:
  struct Sums {
    std::uint64_t all = 0;
    std::uint64_t some = 0;
  };
  static constexpr std::size_t kSeconds = 10;

  void count_all(std::int64_t now_ms) { bucket(now_ms).all.fetch_add(1, std::memory_order_relaxed); }
  void count_some(std::int64_t now_ms) { bucket(now_ms).some.fetch_add(1, std::memory_order_relaxed); }

  Sums sums(std::int64_t now_ms) const {
    Sums sums;
    const std::int64_t now_s = now_ms / 1000;
    for (const Bucket& b : buckets_) {
      const std::int64_t second = b.second.load(std::memory_order_relaxed);
      if (second > now_s - static_cast<std::int64_t>(kSeconds) && second <= now_s) {
        sums.all += b.all.load(std::memory_order_relaxed);
        sums.some += b.some.load(std::memory_order_relaxed);
      }
    }
    return sums;
  }

  void clear() {
    for (Bucket& b : buckets_) b.second.store(kNever, std::memory_order_relaxed);
  }

 private:
  static constexpr std::int64_t kNever = INT64_MIN;
  struct Bucket {
    std::atomic<std::int64_t> second{kNever};
    std::atomic<std::uint32_t> all{0};
    std::atomic<std::uint32_t> some{0};
  };

  Bucket& bucket(std::int64_t now_ms) {
    const std::int64_t now_s = now_ms / 1000;
    Bucket& b = buckets_[static_cast<std::size_t>(now_s) % kSeconds];
    std::int64_t was = b.second.load(std::memory_order_relaxed);
    if (was != now_s && b.second.compare_exchange_strong(was, now_s, std::memory_order_relaxed)) {
      b.all.store(0, std::memory_order_relaxed);
      b.some.store(0, std::memory_order_relaxed);
    }
    return b;
  }

  std::array<Bucket, kSeconds> buckets_;
};

}  // namespace meridian::upstream
