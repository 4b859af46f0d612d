#include "origin/server/io_pool.h"

#include <algorithm>

namespace meridian::origin {

IoPool::IoPool(unsigned threads, std::size_t queue_limit) : queue_limit_(queue_limit) {
  threads_.reserve(std::max(threads, 1U));
  for (unsigned i = 0; i < std::max(threads, 1U); ++i) threads_.emplace_back([this] { run(); });
}

IoPool::~IoPool() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool IoPool::submit(std::function<void()> work) {
  {
    MutexLock lock(mutex_);
    if (queue_.size() >= queue_limit_ || stopping_) {
      refused_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
  return true;
}

std::size_t IoPool::waiting() const {
  MutexLock lock(mutex_);
  return queue_.size();
}

void IoPool::run() {
  while (true) {
    std::function<void()> work;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) wake_.wait(mutex_);
      if (stopping_) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace meridian::origin
