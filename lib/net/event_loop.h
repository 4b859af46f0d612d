#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/mutex.h"
#include "lib/base/result.h"

struct event;
struct event_base;

namespace meridian {

class TimerWheel;

// One thread's loop: descriptors, timers, and work posted by other threads. libevent underneath, by raw
// events. Everything but post() and stop() is called on the loop's own thread.
class EventLoop {
 public:
  [[nodiscard]] static Result<std::unique_ptr<EventLoop>> create(const Clock& clock = system_clock());
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Runs until stop(). May be called again afterwards.
  void run();
  // Handles what is ready now and returns; for tests that step by hand.
  void run_once();
  // From any thread.
  void stop();
  // From any thread: `work` runs on the loop's thread, in order of posting.
  void post(std::function<void()> work);
  // On the loop's thread: `work` runs once, after the events that are ready in this turn (used to write a
  // turn's answers at once).
  void at_end_of_turn(std::function<void()> work);

  // Read once a turn of the loop: free to call.
  std::int64_t now_ms() const { return now_ms_; }
  std::int64_t wall_ms() const { return wall_ms_; }
  const Clock& clock() const { return clock_; }

  event_base* base() const { return base_; }
  TimerWheel& wheel() { return *wheel_; }

 private:
  explicit EventLoop(const Clock& clock);
  const Clock& clock_;
  event_base* base_ = nullptr;
  std::int64_t now_ms_ = 0;
  std::int64_t wall_ms_ = 0;
  std::unique_ptr<TimerWheel> wheel_;
};

// A deadline on a loop. Arming an armed timer later costs a store (the wheel looks again when the old time
// comes); resolution 10 ms, never early. Destroying it cancels it.
class Timer {
 public:
  Timer(EventLoop& loop, std::function<void()> on_fire);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  void arm(std::int64_t delay_ms);
  void cancel();
  bool armed() const { return deadline_ms_ != 0; }

 private:
  friend class TimerWheel;
  EventLoop& loop_;
  std::function<void()> on_fire_;
  std::int64_t deadline_ms_ = 0;
  std::int64_t slot_ms_ = 0;  // where the wheel holds it; 0: not in the wheel
  Timer* prev_ = nullptr;
  Timer* next_ = nullptr;
};

// Told when a descriptor is ready.
class FdHandler {
 public:
  virtual void on_fd(bool readable, bool writable) = 0;

 protected:
  ~FdHandler() = default;
};

// A descriptor watched on a loop (level-triggered, persistent: asking for what is already watched costs
// nothing). Does not own the descriptor.
class FdWatch {
 public:
  FdWatch(EventLoop& loop, int fd, FdHandler& handler);
  ~FdWatch();
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;
  void want(bool readable, bool writable);

 private:
  EventLoop& loop_;
  int fd_;
  FdHandler& handler_;
  event* event_ = nullptr;
  short interest_ = 0;
};

}  // namespace meridian
