#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/mutex.h"
#include "lib/base/result.h"

struct event;
struct event_base;

namespace meridian {

class TimerWheel;
class EventLoop;

// One link of a ring.
struct SoonLink {
  SoonLink* prev = this;
  SoonLink* next = this;
  void leave() {
    prev->next = next;
    next->prev = prev;
    prev = next = this;
  }
  void enter_before(SoonLink& end) {
    prev = end.prev;
    next = &end;
    prev->next = end.prev = this;
  }
};

// Runs its work once, soon: after the events of this turn when asked for inside one, else in the next turn;
// never inside schedule(). For streams that hold bytes of their own, and for answers that must not come
// inside the call that asked. Destroying it cancels. On its loop's thread; the work may destroy it.
class Soon : private SoonLink {
 public:
  Soon(EventLoop& loop, std::function<void()> work);
  ~Soon() { cancel(); }
  Soon(const Soon&) = delete;
  Soon& operator=(const Soon&) = delete;
  // Scheduling what is already scheduled does nothing.
  void schedule();
  void cancel() { leave(); }
  bool scheduled() const { return next != this; }

 private:
  friend class EventLoop;
  EventLoop& loop_;
  std::function<void()> work_;
};

// One thread's loop: descriptors, timers, and work posted by other threads. libevent underneath, by raw
// events. Everything but post() and stop() is called on the loop's own thread. What lives on a loop (watches,
// timers, streams) is destroyed before it.
//
// A turn is: wait, the descriptors that are ready, due timers, Soon work, at_end_of_turn() work.
class EventLoop {
 public:
  // Also sets SIGPIPE to be ignored, unless the program handles it: a write to a closed socket is an error
  // value here and not a signal.
  [[nodiscard]] static Result<std::unique_ptr<EventLoop>> create(const Clock& clock = system_clock());
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Runs until stop(). May be called again afterwards. A stop() that came before run() ends it after one
  // turn.
  void run();
  // Handles what is ready now and returns; for tests that step by hand. Timers follow the injected clock.
  void run_once();
  // From any thread.
  void stop();
  // From any thread: `work` runs on the loop's thread, in order of posting. Many posts wake the loop once.
  void post(std::function<void()> work);
  // On the loop's thread: `work` runs once, after the events that are ready in this turn (used to write a
  // turn's answers at once). What is added by such work runs at the end of the next turn.
  void at_end_of_turn(std::function<void()> work);

  // Read once a turn of the loop: free to call.
  std::int64_t now_ms() const { return now_ms_; }
  std::int64_t wall_ms() const { return wall_ms_; }
  const Clock& clock() const { return clock_; }

  event_base* base() const { return base_; }
  TimerWheel& wheel() { return *wheel_; }

  // For code of lib/net that libevent calls directly: makes sure that this turn's time has been read.
  void enter_turn() {
    if (!time_is_fresh_) read_time();
  }
  // Does what is scheduled to be done soon, for a handler of a descriptor that hands out many large answers
  // at once: what it has handed out goes to the sockets while it is still in the processor's cache. To be
  // called by on_fd() itself only, whose owner the work must not destroy.
  void run_soon();
  // Bytes that anything on this loop may use within one call; never across calls.
  static constexpr std::size_t kScratchBytes = 16384;
  char* scratch() { return scratch_.get(); }

 private:
  friend class Soon;
  friend class Timer;
  explicit EventLoop(const Clock& clock);
  Result<void> open();
  void turn(bool may_wait);
  void read_time();
  void run_end_of_turn();
  void run_posted();
  void set_wake_timer();
  // The time that a deadline counts from: a turn's own inside one, else the clock's.
  std::int64_t deadline_base_ms() const { return time_is_fresh_ ? now_ms_ : clock_.mono_ms(); }

  const Clock& clock_;
  event_base* base_ = nullptr;
  event* posted_event_ = nullptr;
  event* wake_event_ = nullptr;
  int posted_fd_ = -1;
  bool time_is_fresh_ = false;
  std::int64_t now_ms_ = 0;
  std::int64_t wall_ms_ = 0;
  std::int64_t wake_ms_ = 0;  // what wake_event_ is set to; 0: not set
  std::unique_ptr<TimerWheel> wheel_;
  std::unique_ptr<char[]> scratch_;
  SoonLink soon_;  // the end of the ring of what waits
  std::vector<std::function<void()>> end_of_turn_;
  std::vector<std::function<void()>> end_of_turn_running_;
  std::atomic<bool> stopping_{false};
  Mutex posted_mutex_;
  std::vector<std::function<void()>> posted_ GUARDED_BY(posted_mutex_);
  std::vector<std::function<void()>> posted_running_;
};

// A deadline on a loop. Arming an armed timer later costs a store (the wheel looks again when the old time
// comes), and so does cancelling; resolution 10 ms, never early by the time of the turn that armed it.
// Destroying it cancels it; on_fire may do that, and may arm it again.
class Timer {
 public:
  Timer(EventLoop& loop, std::function<void()> on_fire);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  void arm(std::int64_t delay_ms);
  void cancel() { deadline_ms_ = 0; }
  bool armed() const { return deadline_ms_ != 0; }

 private:
  friend class TimerWheel;
  EventLoop& loop_;
  std::function<void()> on_fire_;
  std::int64_t deadline_ms_ = 0;
  std::int64_t slot_tick_ = 0;  // where the wheel holds it; 0: not in the wheel
  Timer* prev_ = nullptr;
  Timer* next_ = nullptr;
};

// Told when a descriptor is ready.
class FdHandler {
 public:
  // May destroy the watch.
  virtual void on_fd(bool readable, bool writable) = 0;

 protected:
  ~FdHandler() = default;
};

// A descriptor watched on a loop (level-triggered, persistent: asking for what is already watched costs
// nothing, and so does not wanting to read until something comes, so that a pause between two reads is free).
// Does not own the descriptor; destroy the watch before closing it.
class FdWatch {
 public:
  FdWatch(EventLoop& loop, int fd, FdHandler& handler);
  ~FdWatch();
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;
  void want(bool readable, bool writable);

 private:
  static void on_event(int fd, short what, void* self);
  void set(event*& event, short kind, bool on);

  EventLoop& loop_;
  int fd_;
  FdHandler& handler_;
  event* read_event_ = nullptr;
  event* write_event_ = nullptr;
  bool want_read_ = false;
  bool want_write_ = false;
  bool watching_read_ = false;  // what the kernel watches; may be more than is wanted
  bool watching_write_ = false;
};

}  // namespace meridian
