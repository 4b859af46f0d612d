#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "lib/base/mutex.h"
#include "lib/base/result.h"
#include "origin/server/owned_fd.h"

namespace meridian::origin {

// What is logged of one request.
struct AccessLine {
  std::string peer;
  std::int64_t wall_ms = 0;
  std::string_view method;
  std::string_view target;
  std::string_view version;
  int status = 0;  // 0: no answer was sent
  std::uint64_t bytes_sent = 0;
  std::string_view referer;
  std::string_view user_agent;
};

// "combined" format, as web servers share it. What a client sent is escaped: no line can be forged.
std::string combined_line(const AccessLine& line);

// Appends lines to a file on a thread of its own. Any thread may write; none waits for the disk: when the
// buffer is full, lines are dropped and counted.
class AccessLog {
 public:
  // "-" is standard error.
  [[nodiscard]] static Result<std::unique_ptr<AccessLog>> open(const std::string& path,
                                                               std::size_t buffer_bytes);
  ~AccessLog();  // writes what waits
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  void write(std::string_view line) EXCLUDES(mutex_);
  // Opens the file by its name again, so that it can be rotated. Takes effect before the next write.
  void reopen() EXCLUDES(mutex_);
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  AccessLog(std::string path, std::size_t buffer_bytes, OwnedFd file);
  void run() EXCLUDES(mutex_);
  void write_out(const std::string& lines);

  const std::string path_;
  const std::size_t buffer_bytes_;
  OwnedFd file_;  // the writer thread's
  Mutex mutex_;
  CondVar wake_;
  std::string waiting_ GUARDED_BY(mutex_);
  bool reopen_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::atomic<std::uint64_t> dropped_{0};
  std::thread writer_;
};

}  // namespace meridian::origin
