#include <event2/event.h>

#include "lib/base/check.h"
#include "lib/net/event_loop.h"

namespace meridian {

FdWatch::FdWatch(EventLoop& loop, int fd, FdHandler& handler) : loop_(loop), fd_(fd), handler_(handler) {}

FdWatch::~FdWatch() {
  if (read_event_ != nullptr) event_free(read_event_);
  if (write_event_ != nullptr) event_free(write_event_);
}

// One event for each direction: changing the interest in one is then a single epoll_ctl.
void FdWatch::set(event*& event, short kind, bool on) {
  if (on && event == nullptr) {
    event = event_new(loop_.base(), fd_, static_cast<short>(kind | EV_PERSIST), on_event, this);
    CHECK(event != nullptr);
  }
  const int failed = on ? event_add(event, nullptr) : event_del(event);
  if (failed != 0) BUG_COUNT();
}

void FdWatch::want(bool readable, bool writable) {
  want_read_ = readable;
  if (readable && !watching_read_) {
    watching_read_ = true;
    set(read_event_, EV_READ, true);
  }
  want_write_ = writable;
  if (writable != watching_write_) {
    watching_write_ = writable;
    set(write_event_, EV_WRITE, writable);
  }
}

void FdWatch::on_event(int, short what, void* self) {
  auto* watch = static_cast<FdWatch*>(self);
  watch->loop_.enter_turn();
  if ((what & EV_READ) != 0 && !watch->want_read_) {
    watch->watching_read_ = false;
    watch->set(watch->read_event_, EV_READ, false);
    return;
  }
  watch->handler_.on_fd((what & EV_READ) != 0, (what & EV_WRITE) != 0);
}

}  // namespace meridian
