#include "edge/tiers/ssd/disk.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace meridian::ssd {
namespace {

Failure failure(const std::string& what, const std::string& path, int error, bool retryable = false) {
  const ErrorCode code = retryable ? ErrorCode::kUnavailable : ErrorCode::kIo;
  return fail(code, ErrorSource::kEdge, what + " " + path + ": " + std::strerror(error), retryable);
}

class SystemFile final : public DiskFile {
 public:
  SystemFile(int fd, bool writable) : fd_(fd), writable_(writable) {}
  SystemFile(const SystemFile&) = delete;
  SystemFile& operator=(const SystemFile&) = delete;
  // A ring that is being torn down may keep the open file a little longer, and its lock with it.
  ~SystemFile() override {
    ::flock(fd_, LOCK_UN);
    ::close(fd_);
  }

  ReadResult read(std::uint64_t offset, char* to, std::size_t bytes) const override {
    ReadResult result;
    while (result.bytes < bytes) {
      const ssize_t got =
          ::pread(fd_, to + result.bytes, bytes - result.bytes, static_cast<off_t>(offset + result.bytes));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) result.error = errno;
      if (got <= 0) break;
      result.bytes += static_cast<std::size_t>(got);
    }
    return result;
  }

  int write(std::uint64_t offset, const char* from, std::size_t bytes) override {
    while (bytes > 0) {
      const ssize_t put = ::pwrite(fd_, from, bytes, static_cast<off_t>(offset));
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return put < 0 ? errno : EIO;
      from += put, bytes -= static_cast<std::size_t>(put), offset += static_cast<std::uint64_t>(put);
    }
    return 0;
  }

  int sync() override { return ::fdatasync(fd_) == 0 ? 0 : errno; }
  bool writable() const override { return writable_; }
  int descriptor() const override { return fd_; }

 private:
  int fd_;
  bool writable_;
};

int open_file(const std::string& path, int mode, bool direct) {
  const int flags = mode | O_CLOEXEC;
  const int fd = ::open(path.c_str(), direct ? flags | O_DIRECT : flags, 0600);
  // Some file systems have no direct I/O: then it goes through the page cache.
  if (fd < 0 && direct && errno == EINVAL) return ::open(path.c_str(), flags, 0600);
  return fd;
}

// 0 or an errno. A block device has the size it has.
int set_size(int fd, std::uint64_t bytes) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return errno;
  if (!S_ISREG(info.st_mode)) return 0;
  const auto size = static_cast<off_t>(bytes);
  if (info.st_size > size && ::ftruncate(fd, size) != 0) return errno;
  int error = 0;
  do {
    error = ::fallocate(fd, 0, 0, size) == 0 ? 0 : errno;
  } while (error == EINTR);
  if (error == EOPNOTSUPP && info.st_size < size) error = ::ftruncate(fd, size) == 0 ? 0 : errno;
  return error == EOPNOTSUPP ? 0 : error;
}

class SystemDisk final : public Disk {
 public:
  Result<std::unique_ptr<DiskFile>> open(const std::string& path, How how) override {
    int fd = open_file(path, O_RDWR | O_CREAT | (how.empty ? O_TRUNC : 0), how.direct);
    const bool read_only = fd < 0 && (errno == EROFS || errno == EACCES);
    if (read_only) fd = open_file(path, O_RDONLY, how.direct);
    if (fd < 0) return failure("cannot open", path, errno);
    std::unique_ptr<DiskFile> file = std::make_unique<SystemFile>(fd, !read_only);
    if (how.alone && ::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      return failure("another process has", path, errno, true);
    }
    if (how.allocate_bytes != 0 && !read_only) {
      if (const int error = set_size(fd, how.allocate_bytes)) return failure("cannot reserve", path, error);
    }
    return file;
  }

  int rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return errno;
    const std::size_t slash = to.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : to.substr(0, slash + 1);
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return errno;
    const int error = ::fsync(fd) == 0 ? 0 : errno;
    ::close(fd);
    return error;
  }
};

}  // namespace

Disk& system_disk() {
  static SystemDisk disk;
  return disk;
}

}  // namespace meridian::ssd
