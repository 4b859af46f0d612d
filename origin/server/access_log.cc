#include "origin/server/access_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

namespace meridian::origin {
namespace {

OwnedFd open_log(const std::string& path) {
  if (path == "-") return OwnedFd(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
  return OwnedFd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
}

void append_escaped(std::string& to, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f || c == '"' || c == '\\') {
      to += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      to += c;
    }
  }
}

void append_quoted(std::string& to, std::string_view text) {
  to += " \"";
  if (text.empty()) to += '-';
  append_escaped(to, text);
  to += '"';
}

std::string log_time(std::int64_t wall_ms) {
  const std::time_t seconds = wall_ms / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char text[40];
  const std::size_t size = std::strftime(text, sizeof text, "/%Y:%H:%M:%S +0000", &parts);
  const std::string day = (parts.tm_mday < 10 ? "0" : "") + std::to_string(parts.tm_mday);
  return day + "/" + kMonths[parts.tm_mon] + std::string(text, size);
}

}  // namespace

std::string combined_line(const AccessLine& line) {
  std::string text = line.peer + " - - [" + log_time(line.wall_ms) + "] \"";
  append_escaped(text, line.method);
  text += ' ';
  append_escaped(text, line.target);
  text += ' ';
  append_escaped(text, line.version);
  text += "\" " + std::to_string(line.status) + ' ' + std::to_string(line.bytes_sent);
  append_quoted(text, line.referer);
  append_quoted(text, line.user_agent);
  return text += '\n';
}

Result<std::unique_ptr<AccessLog>> AccessLog::open(const std::string& path, std::size_t buffer_bytes) {
  OwnedFd file = open_log(path);
  if (!file.valid()) {
    return fail(ErrorCode::kIo, ErrorSource::kOperator,
                "cannot open the access log '" + path + "': " + std::strerror(errno));
  }
  return std::unique_ptr<AccessLog>(new AccessLog(path, buffer_bytes, std::move(file)));
}

AccessLog::AccessLog(std::string path, std::size_t buffer_bytes, OwnedFd file)
    : path_(std::move(path)),
      buffer_bytes_(buffer_bytes),
      file_(std::move(file)),
      writer_([this] { run(); }) {}

AccessLog::~AccessLog() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  writer_.join();
}

void AccessLog::write(std::string_view line) {
  bool was_empty = false;
  {
    MutexLock lock(mutex_);
    if (waiting_.size() + line.size() > buffer_bytes_) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    was_empty = waiting_.empty();
    waiting_.append(line);
  }
  if (was_empty) wake_.notify_one();
}

void AccessLog::reopen() {
  {
    MutexLock lock(mutex_);
    reopen_ = true;
  }
  wake_.notify_one();
}

void AccessLog::run() {
  while (true) {
    std::string lines;
    bool reopen = false;
    {
      MutexLock lock(mutex_);
      while (waiting_.empty() && !reopen_ && !stopping_) wake_.wait(mutex_);
      if (waiting_.empty() && stopping_) return;
      lines.swap(waiting_);
      std::swap(reopen, reopen_);
    }
    // What was logged before the request to reopen belongs to the old file.
    write_out(lines);
    if (reopen) {
      // A name that cannot be opened keeps the old file: lines in the wrong place are better than none.
      if (OwnedFd file = open_log(path_); file.valid()) file_ = std::move(file);
    }
  }
}

void AccessLog::write_out(const std::string& lines) {
  std::size_t done = 0;
  while (done < lines.size()) {
    const ssize_t written = ::write(file_.get(), lines.data() + done, lines.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    done += static_cast<std::size_t>(written);
  }
}

}  // namespace meridian::origin
