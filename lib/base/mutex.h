#pragma once

#include <condition_variable>
#include <mutex>

// clang's thread-safety analysis (the fuzz preset and CI build with clang); nothing elsewhere.
#if defined(__clang__)
#define MERIDIAN_TSA(x) __attribute__((x))
#else
#define MERIDIAN_TSA(x)
#endif
#define GUARDED_BY(x) MERIDIAN_TSA(guarded_by(x))
#define REQUIRES(x) MERIDIAN_TSA(requires_capability(x))
#define EXCLUDES(x) MERIDIAN_TSA(locks_excluded(x))

namespace meridian {

// A std::mutex that the analysis can follow. Every lock of the program is listed, with the order in
// which locks are taken, in docs/architecture.md under "Locks".
class MERIDIAN_TSA(capability("mutex")) Mutex {
 public:
  void lock() MERIDIAN_TSA(acquire_capability()) { mutex_.lock(); }
  void unlock() MERIDIAN_TSA(release_capability()) { mutex_.unlock(); }
  bool try_lock() MERIDIAN_TSA(try_acquire_capability(true)) { return mutex_.try_lock(); }

 private:
  std::mutex mutex_;
};

class MERIDIAN_TSA(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) MERIDIAN_TSA(acquire_capability(mutex)) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() MERIDIAN_TSA(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits on a Mutex.
using CondVar = std::condition_variable_any;

}  // namespace meridian
