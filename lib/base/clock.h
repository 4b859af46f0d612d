#pragma once

#include <cstdint>

namespace meridian {

// Time enters by this interface, so that a test can stop it, jump it, or run it faster.
class Clock {
 public:
  virtual ~Clock() = default;
  // Never goes back; for deadlines and durations.
  virtual std::int64_t mono_ms() const = 0;
  virtual std::int64_t mono_ns() const = 0;
  // Milliseconds since the Unix epoch; may jump.
  virtual std::int64_t wall_ms() const = 0;
};

// The machine's clocks.
const Clock& system_clock();

// A clock that moves only when told to.
class ManualClock final : public Clock {
 public:
  std::int64_t mono_ms() const override { return mono_ns_ / 1'000'000; }
  std::int64_t mono_ns() const override { return mono_ns_; }
  std::int64_t wall_ms() const override { return wall_ms_; }
  void advance_ms(std::int64_t ms) { mono_ns_ += ms * 1'000'000, wall_ms_ += ms; }
  void set_wall_ms(std::int64_t ms) { wall_ms_ = ms; }

 private:
  std::int64_t mono_ns_ = 1'000'000'000;
  std::int64_t wall_ms_ = 1'700'000'000'000;
};

}  // namespace meridian
