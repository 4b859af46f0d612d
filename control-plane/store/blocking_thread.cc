#include "control-plane/store/blocking_thread.h"

namespace meridian::control {

BlockingThread::BlockingThread(EventLoop& loop) : loop_(loop), thread_([this] { run(); }) {}

BlockingThread::~BlockingThread() {
  *here_ = false;
  {
    MutexLock lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void BlockingThread::push(std::function<void()> job) {
  {
    MutexLock lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
}

void BlockingThread::run() {
  mutex_.lock();
  while (true) {
    while (jobs_.empty() && !ending_) changed_.wait(mutex_);
    if (jobs_.empty()) break;
    const std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    mutex_.unlock();
    job();
    mutex_.lock();
  }
  mutex_.unlock();
}

}  // namespace meridian::control
