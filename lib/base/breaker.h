#pragma once

#include <atomic>
#include <cstdint>

namespace meridian {

// Keeps requests from a server that fails: after `failures` in a row, the first of them at least `span_ms`
// ago, it opens for `open_ms`, then lets one trial through (half-open); the trial's outcome closes it or
// opens it again. The span keeps one bad moment from being taken for an outage: requests that run at once
// fail at once, as when a server restarts one of its processes or one URL makes it hang up. Any thread; no
// locks.
class Breaker {
 public:
  enum class State : std::uint8_t { kClosed, kOpen, kHalfOpen };
  // What a request was let through as; it must come back by succeeded(), failed() or abandoned().
  enum class Pass : std::uint8_t { kRefused, kNormal, kTrial };

  Breaker(unsigned failures, std::int64_t span_ms, std::int64_t open_ms)
      : limit_(failures), span_ms_(span_ms), open_ms_(open_ms) {}

  State state(std::int64_t now_ms) const {
    const std::int64_t until = open_until_ms_.load(std::memory_order_acquire);
    if (until == 0) return State::kClosed;
    return now_ms < until ? State::kOpen : State::kHalfOpen;
  }
  // Whether enter() could succeed now.
  bool would_pass(std::int64_t now_ms) const {
    const State s = state(now_ms);
    return s == State::kClosed || (s == State::kHalfOpen && !trial_.load(std::memory_order_acquire));
  }
  Pass enter(std::int64_t now_ms) {
    const State s = state(now_ms);
    if (s == State::kClosed) return Pass::kNormal;
    if (s == State::kOpen || trial_.exchange(true, std::memory_order_acq_rel)) return Pass::kRefused;
    return Pass::kTrial;
  }
  void succeeded(Pass pass) {
    failures_.store(0, std::memory_order_relaxed);
    if (pass != Pass::kTrial) return;
    open_until_ms_.store(0, std::memory_order_release);
    trial_.store(false, std::memory_order_release);
  }
  // A request that was begun before the breaker opened neither closes it nor keeps it open longer.
  void failed(Pass pass, std::int64_t now_ms) {
    if (pass == Pass::kTrial) {
      open_until_ms_.store(now_ms + open_ms_, std::memory_order_release);
      trial_.store(false, std::memory_order_release);
      return;
    }
    const unsigned row = failures_.fetch_add(1, std::memory_order_relaxed) + 1;
    if (row == 1) row_since_ms_.store(now_ms, std::memory_order_relaxed);
    if (row < limit_ || now_ms - row_since_ms_.load(std::memory_order_relaxed) < span_ms_) return;
    std::int64_t closed = 0;
    if (open_until_ms_.compare_exchange_strong(closed, now_ms + open_ms_, std::memory_order_acq_rel)) {
      failures_.store(0, std::memory_order_relaxed);
    }
  }
  // The asker went away before the server showed how it is.
  void abandoned(Pass pass) {
    if (pass == Pass::kTrial) trial_.store(false, std::memory_order_release);
  }

 private:
  const unsigned limit_;
  const std::int64_t span_ms_;
  const std::int64_t open_ms_;
  std::atomic<unsigned> failures_{0};           // in a row
  std::atomic<std::int64_t> row_since_ms_{0};   // when the first of them came
  std::atomic<std::int64_t> open_until_ms_{0};  // 0: closed
  std::atomic<bool> trial_{false};
};

}  // namespace meridian
