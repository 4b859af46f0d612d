#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "lib/base/mutex.h"
#include "lib/net/event_loop.h"

namespace meridian::origin {

// Threads for calls that may wait for a disk. Shared by all workers; owned by the program and destroyed after
// their loops have stopped. The queue is bounded: a refused job is the caller's to answer (503).
class IoPool {
 public:
  IoPool(unsigned threads, std::size_t queue_limit);
  ~IoPool();  // finishes what is running, drops what waits
  IoPool(const IoPool&) = delete;
  IoPool& operator=(const IoPool&) = delete;

  // From any thread. Runs `work` on a pool thread; false when the queue is full, and then nothing runs.
  [[nodiscard]] bool submit(std::function<void()> work) EXCLUDES(mutex_);
  std::size_t waiting() const EXCLUDES(mutex_);
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  void run() EXCLUDES(mutex_);

  const std::size_t queue_limit_;
  mutable Mutex mutex_;
  CondVar wake_;
  std::deque<std::function<void()>> queue_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::atomic<std::uint64_t> refused_{0};
  std::vector<std::thread> threads_;
};

// Runs `work` on the pool and hands what it returns to `done` on `loop`, unless `alive` has gone by then.
// `work` must hold by value whatever it touches. False: the queue was full, and neither runs.
template <class Work, class Done>
[[nodiscard]] bool run_on_pool(IoPool& pool, EventLoop& loop, std::weak_ptr<void> alive, Work work,
                               Done done) {
  return pool.submit(
      [&loop, alive = std::move(alive), work = std::move(work), done = std::move(done)]() mutable {
        // Shared, because what is posted must be copyable and a result may own a descriptor.
        auto result = std::make_shared<decltype(work())>(work());
        loop.post([alive = std::move(alive), done = std::move(done), result = std::move(result)]() mutable {
          if (!alive.expired()) done(std::move(*result));
        });
      });
}

}  // namespace meridian::origin
