#include "edge/tiers/ssd/health.h"

#include <cstring>

namespace meridian::ssd {

bool Health::may(Line& line, unsigned most) {
  if (line.failures.load(std::memory_order_relaxed) < most) return true;
  const std::int64_t now_ms = clock_.mono_ms();
  std::int64_t failed_ms = line.failed_ms.load(std::memory_order_relaxed);
  // One caller gets to try; its end decides for the others.
  return now_ms - failed_ms >= kRetryMs &&
         line.failed_ms.compare_exchange_strong(failed_ms, now_ms, std::memory_order_relaxed);
}

void Health::ended(Line& line, unsigned most, int error, const char* what) {
  if (error == 0) {
    if (line.failures.load(std::memory_order_relaxed) != 0) line.failures.store(0, std::memory_order_relaxed);
    return;
  }
  line.failed_ms.store(clock_.mono_ms(), std::memory_order_relaxed);
  const unsigned failures = line.failures.fetch_add(1, std::memory_order_relaxed) + 1;
  if (failures < most) return;
  MutexLock lock(mutex_);
  reason_ = std::string("the disk failed to ") + what + ": " + std::strerror(error);
}

void Health::forbid_writes(const std::string& reason) {
  never_write_.store(true, std::memory_order_relaxed);
  MutexLock lock(mutex_);
  reason_ = reason;
}

Health::State Health::state() const {
  if (reads_.failures.load(std::memory_order_relaxed) >= kMostReadFailures) return State::kOff;
  const bool no_writes = never_write_.load(std::memory_order_relaxed) ||
                         writes_.failures.load(std::memory_order_relaxed) >= kMostWriteFailures;
  return no_writes ? State::kReadOnly : State::kOk;
}

std::string Health::reason() const {
  if (state() == State::kOk) return {};
  MutexLock lock(mutex_);
  return reason_;
}

}  // namespace meridian::ssd
