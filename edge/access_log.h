#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "config/edge_config.h"
#include "lib/base/mutex.h"
#include "lib/base/result.h"

namespace meridian::edge {

class Request;

// Writes lines to the access log on a thread of its own: a worker never waits for the disk. Thread-safe.
class AccessLog {
 public:
  // A path that cannot be opened is an error now, not at the first line.
  [[nodiscard]] static Result<std::unique_ptr<AccessLog>> open(const config::AccessLogConfig& config);
  ~AccessLog();
  bool enabled() const { return fd_.load(std::memory_order_relaxed) >= 0; }
  config::LogFormat format() const { return config_.format; }
  // Opens the file again by its name, after it has been moved away (log rotation).
  void reopen();
  // Takes lines from a worker; false when its share of the queue is full and they were dropped.
  bool submit(std::string lines);
  std::size_t share_bytes() const { return config_.buffer_bytes; }

 private:
  explicit AccessLog(const config::AccessLogConfig& config) : config_(config) {}
  void run();

  const config::AccessLogConfig config_;
  std::atomic<int> fd_{-1};
  Mutex mutex_;
  CondVar wake_;
  std::vector<std::string> queue_ GUARDED_BY(mutex_);
  std::size_t queued_bytes_ GUARDED_BY(mutex_) = 0;
  bool reopen_ GUARDED_BY(mutex_) = false;
  bool stop_ GUARDED_BY(mutex_) = false;
  std::thread writer_;
};

// One worker's lines on their way to the log: handed over when there are many or when a second has passed.
class LogBuffer {
 public:
  explicit LogBuffer(AccessLog& log) : log_(log) {}
  // Adds the line of a request that is over. Returns how many lines were dropped.
  std::uint64_t add(const Request& request, std::int64_t wall_ms, std::int64_t duration_ms, bool completed);
  // Hands over what is there.
  std::uint64_t flush();
  bool enabled() const { return log_.enabled(); }

 private:
  static constexpr std::size_t kHandOver = 32 * 1024;
  void add_json(const Request& request, std::int64_t wall_ms, std::int64_t duration_ms, bool completed);
  void add_combined(const Request& request, std::int64_t wall_ms);

  AccessLog& log_;
  std::string lines_;
  std::uint64_t count_ = 0;
};

}  // namespace meridian::edge
