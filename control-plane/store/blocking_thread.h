#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "lib/base/mutex.h"
#include "lib/net/event_loop.h"

namespace meridian::control {

// One thread that does blocking work for one loop, in order, and brings each result back there. Owned by
// something on that loop. Destroying it finishes what was asked for; results that have not come back by then
// are dropped.
class BlockingThread {
 public:
  explicit BlockingThread(EventLoop& loop);
  ~BlockingThread();
  BlockingThread(const BlockingThread&) = delete;
  BlockingThread& operator=(const BlockingThread&) = delete;

  // `work` runs on the thread, and then `done` with what it returned on the loop.
  template <class Work, class Done>
  void ask(Work work, Done done) {
    push([this, work = std::move(work), done = std::move(done)]() mutable {
      auto result = std::make_shared<decltype(work())>(work());
      loop_.post([here = here_, result = std::move(result), done = std::move(done)] {
        if (*here) done(std::move(*result));
      });
    });
  }

 private:
  void push(std::function<void()> job);
  void run();

  EventLoop& loop_;
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);  // read and written on the loop
  Mutex mutex_;
  CondVar changed_;
  std::deque<std::function<void()>> jobs_ GUARDED_BY(mutex_);
  bool ending_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace meridian::control
