#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lib/net/event_loop.h"

namespace meridian {

// The timers of one loop: a wheel of slots, 10 ms each. A timer stands in the slot of its deadline, or in the
// last slot when that is beyond the wheel; when the slot's time comes, a timer whose deadline has moved is
// put in its new slot. So arming later and cancelling touch nothing but the timer itself. On the loop's
// thread.
class TimerWheel {
 public:
  static constexpr std::int64_t kTickMs = 10;
  static constexpr std::size_t kSlots = 4096;

  explicit TimerWheel(std::int64_t now_ms) : position_(now_ms / kTickMs) {}
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Places a timer whose deadline is set: anew, or because its slot would come too late.
  void place(Timer& timer);
  void forget(Timer& timer);
  // Fires what is due, in order of deadlines to a tick.
  void advance(std::int64_t now_ms);
  // When advance() is needed next, perhaps a little before anything is due; 0: nothing is armed.
  std::int64_t next_ms() const { return next_tick_ * kTickMs; }

 private:
  struct Slot {
    Timer* head = nullptr;
    Timer* tail = nullptr;
  };
  static std::size_t index_of(std::int64_t tick) { return static_cast<std::size_t>(tick) % kSlots; }
  static std::int64_t tick_of(std::int64_t deadline_ms) { return (deadline_ms + kTickMs - 1) / kTickMs; }
  void link(Timer& timer, std::int64_t tick);
  void unlink(Timer& timer);
  std::int64_t next_occupied_tick() const;
  void run_slot();
  void fire(Timer& timer);

  std::int64_t position_;       // the last tick that has been handled
  std::int64_t next_tick_ = 0;  // not after the first occupied slot; 0: none is
  Timer* firing_ = nullptr;     // set to nullptr when the timer that fires is destroyed by its own work
  std::array<Slot, kSlots> slots_{};
  std::array<std::uint64_t, kSlots / 64> occupied_{};
};

}  // namespace meridian
