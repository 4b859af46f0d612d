#include "edge/access_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace meridian::edge {
namespace {

int open_file(const std::string& path) {
  if (path == "-") return ::dup(STDOUT_FILENO);
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

// Lines that the disk refuses are lost: there is nowhere else to put them, and requests go on.
void write_all(int fd, const std::string& bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (n > 0)
      done += static_cast<std::size_t>(n);
    else if (errno != EINTR)
      return;
  }
}

}  // namespace

Result<std::unique_ptr<AccessLog>> AccessLog::open(const config::AccessLogConfig& config) {
  auto log = std::unique_ptr<AccessLog>(new AccessLog(config));
  if (config.path.empty()) return log;
  const int fd = open_file(config.path);
  if (fd < 0) {
    return fail(ErrorCode::kIo, ErrorSource::kOperator,
                "cannot open the access log " + config.path + ": " + std::strerror(errno));
  }
  log->fd_ = fd;
  log->writer_ = std::thread([raw = log.get()] { raw->run(); });
  return log;
}

AccessLog::~AccessLog() {
  if (writer_.joinable()) {
    {
      MutexLock lock(mutex_);
      stop_ = true;
    }
    wake_.notify_one();
    writer_.join();
  }
  if (fd_ >= 0) ::close(fd_);
}

void AccessLog::reopen() {
  {
    MutexLock lock(mutex_);
    reopen_ = true;
  }
  wake_.notify_one();
}

bool AccessLog::submit(std::string lines) {
  {
    MutexLock lock(mutex_);
    if (queued_bytes_ + lines.size() > share_bytes()) return false;
    queued_bytes_ += lines.size();
    queue_.push_back(std::move(lines));
  }
  wake_.notify_one();
  return true;
}

void AccessLog::run() {
  for (;;) {
    std::vector<std::string> lines;
    bool reopen = false, stop = false;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !reopen_ && !stop_) wake_.wait(mutex_);
      lines.swap(queue_);
      queued_bytes_ = 0;
      std::swap(reopen, reopen_);
      stop = stop_;
    }
    for (const std::string& text : lines) write_all(fd_, text);
    if (reopen && config_.path != "-") {
      // When the new file cannot be opened, the old one goes on being written.
      if (const int fd = open_file(config_.path); fd >= 0) ::close(fd_.exchange(fd));
    }
    if (stop) return;
  }
}

}  // namespace meridian::edge
