#include "lib/net/event_loop.h"

#include <event2/event.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "lib/base/check.h"
#include "lib/net/system_error.h"
#include "lib/net/timer_wheel.h"

namespace meridian {
namespace {

// libevent counts time by the coarse clock, which may lag by a tick of the kernel: waking that much later
// saves waking twice.
constexpr std::int64_t kCoarseClockMs = 4;

void ignore_sigpipe() {
  struct sigaction now {};
  if (sigaction(SIGPIPE, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) std::signal(SIGPIPE, SIG_IGN);
}

event_base* new_base() {
  event_config* config = event_config_new();
  if (config == nullptr) return nullptr;
  // Other threads reach the loop only through its own queue, so libevent needs no locks. Its change list
  // stays off: with it, a descriptor that another process still holds could stay in the epoll set after it is
  // closed here.
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
  event_base* base = event_base_new_with_config(config);
  event_config_free(config);
  return base;
}

}  // namespace

Soon::Soon(EventLoop& loop, std::function<void()> work) : loop_(loop), work_(std::move(work)) {}

void Soon::schedule() {
  if (!scheduled()) enter_before(loop_.soon_);
}

EventLoop::EventLoop(const Clock& clock)
    : clock_(clock),
      wheel_(std::make_unique<TimerWheel>(clock.mono_ms())),
      scratch_(std::make_unique<char[]>(kScratchBytes)) {}

Result<std::unique_ptr<EventLoop>> EventLoop::create(const Clock& clock) {
  ignore_sigpipe();
  std::unique_ptr<EventLoop> loop(new EventLoop(clock));
  if (Result<void> opened = loop->open(); !opened) return Failure(std::move(opened.error()));
  return loop;
}

Result<void> EventLoop::open() {
  base_ = new_base();
  if (base_ == nullptr) return fail(ErrorCode::kIo, ErrorSource::kEdge, "cannot make an event loop");
  posted_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (posted_fd_ < 0) return io_failure("cannot make an eventfd", errno);
  auto on_posted = [](int, short, void* self) { static_cast<EventLoop*>(self)->run_posted(); };
  auto on_wake = [](int, short, void* self) { static_cast<EventLoop*>(self)->wake_ms_ = 0; };
  posted_event_ = event_new(base_, posted_fd_, EV_READ | EV_PERSIST, on_posted, this);
  wake_event_ = event_new(base_, -1, 0, on_wake, this);
  if (posted_event_ == nullptr || wake_event_ == nullptr || event_add(posted_event_, nullptr) != 0) {
    return fail(ErrorCode::kIo, ErrorSource::kEdge, "cannot watch an eventfd");
  }
  read_time();
  time_is_fresh_ = false;
  return {};
}

EventLoop::~EventLoop() {
  if (posted_event_ != nullptr) event_free(posted_event_);
  if (wake_event_ != nullptr) event_free(wake_event_);
  if (base_ != nullptr) event_base_free(base_);
  if (posted_fd_ >= 0) ::close(posted_fd_);
}

void EventLoop::run() {
  do {
    turn(!stopping_.load(std::memory_order_acquire));
  } while (!stopping_.load(std::memory_order_acquire));
  stopping_.store(false, std::memory_order_release);
}

void EventLoop::run_once() { turn(false); }

void EventLoop::turn(bool may_wait) {
  may_wait = may_wait && soon_.next == &soon_ && end_of_turn_.empty();
  if (may_wait) set_wake_timer();
  event_base_loop(base_, may_wait ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK);
  enter_turn();
  wheel_->advance(now_ms_);
  run_soon();
  run_end_of_turn();
  time_is_fresh_ = false;
}

void EventLoop::read_time() {
  now_ms_ = clock_.mono_ms();
  wall_ms_ = clock_.wall_ms();
  time_is_fresh_ = true;
}

// The wheel may fire a little after its time, never before it: so a set wake-up is moved only when it is
// wrong.
void EventLoop::set_wake_timer() {
  const std::int64_t next_ms = wheel_->next_ms();
  if (next_ms == wake_ms_) return;
  wake_ms_ = next_ms;
  if (next_ms == 0) {
    event_del(wake_event_);
    return;
  }
  const std::int64_t delay_ms = std::max<std::int64_t>(next_ms - clock_.mono_ms(), 0) + kCoarseClockMs;
  const timeval delay{delay_ms / 1000, delay_ms % 1000 * 1000};
  event_add(wake_event_, &delay);
}

// What is scheduled from here on waits for the next turn: a stream with endless input cannot hold the loop.
void EventLoop::run_soon() {
  if (soon_.next == &soon_) return;
  SoonLink running;
  running.enter_before(soon_);
  soon_.leave();
  while (running.next != &running) {
    Soon& soon = static_cast<Soon&>(*running.next);
    soon.leave();
    const std::function<void()> work = soon.work_;
    work();
  }
}

void EventLoop::run_end_of_turn() {
  if (end_of_turn_.empty()) return;
  end_of_turn_running_.swap(end_of_turn_);
  for (auto& work : end_of_turn_running_) work();
  end_of_turn_running_.clear();
}

void EventLoop::at_end_of_turn(std::function<void()> work) { end_of_turn_.push_back(std::move(work)); }

void EventLoop::run_posted() {
  enter_turn();
  std::uint64_t count = 0;
  CHECK(::read(posted_fd_, &count, sizeof count) == sizeof count || errno == EAGAIN);
  {
    MutexLock lock(posted_mutex_);
    posted_running_.swap(posted_);
  }
  for (auto& work : posted_running_) work();
  posted_running_.clear();
}

void EventLoop::post(std::function<void()> work) {
  bool wake = false;
  {
    MutexLock lock(posted_mutex_);
    wake = posted_.empty();
    posted_.push_back(std::move(work));
  }
  if (wake) eventfd_write(posted_fd_, 1);
}

void EventLoop::stop() {
  stopping_.store(true, std::memory_order_release);
  eventfd_write(posted_fd_, 1);
}

}  // namespace meridian
