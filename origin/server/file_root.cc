#include "origin/server/file_root.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

namespace meridian::origin {
namespace {

std::uint64_t resolve_flags(config::Symlinks policy) {
  switch (policy) {
    case config::Symlinks::kNever:
      return RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    case config::Symlinks::kInside:
      return RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    case config::Symlinks::kAll:
      return RESOLVE_NO_MAGICLINKS;
  }
  return RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
}

OwnedFd open_beneath(int root, const std::string& relative, int flags, config::Symlinks policy) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
  how.resolve = resolve_flags(policy);
  const char* path = relative.empty() ? "." : relative.c_str();
  long fd = -1;
  // EAGAIN: a rename raced with a check of "..", which asks to try again (openat2(2)).
  for (int attempt = 0; attempt < 8; ++attempt) {
    fd = syscall(SYS_openat2, root, path, &how, sizeof how);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) break;
  }
  return OwnedFd(static_cast<int>(fd));
}

Failure open_failure(int error, const std::string& relative) {
  const auto because = [&](ErrorCode code) {
    return fail(code, ErrorSource::kOrigin, "opening '" + relative + "': " + std::strerror(error));
  };
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:  // a link, and the policy forbids links
    case EXDEV:  // a link that leads out of the root
    case EINVAL:
    case EAGAIN:
      return because(ErrorCode::kNotFound);
    case EACCES:
    case EPERM:
      return because(ErrorCode::kRefused);
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return because(ErrorCode::kUnavailable);
    default:
      return because(ErrorCode::kIo);
  }
}

FileStamp stamp_from(const struct stat& status) {
  return {static_cast<std::uint64_t>(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
          status.st_ino};
}

void append_hex(std::string& to, std::uint64_t number) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, number, 16).ptr;
  to.append(digits, end);
}

}  // namespace

std::string entity_tag(const FileStamp& stamp, std::string_view coding) {
  std::string tag = "\"";
  append_hex(tag, static_cast<std::uint64_t>(stamp.mtime_s) * 1'000'000'000ULL +
                      static_cast<std::uint64_t>(stamp.mtime_ns));
  tag += '-';
  append_hex(tag, stamp.size);
  tag += '-';
  append_hex(tag, stamp.inode);
  if (!coding.empty()) tag.append("-").append(coding);
  return tag += '"';
}

Result<FileRoot> FileRoot::create(const std::string& directory, config::Symlinks policy) {
  OwnedFd root(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid()) {
    return fail(ErrorCode::kIo, ErrorSource::kOperator,
                "cannot serve '" + directory + "': " + std::strerror(errno));
  }
  if (!open_beneath(root.get(), "", O_PATH, policy).valid() && (errno == ENOSYS || errno == EPERM)) {
    return fail(
        ErrorCode::kIo, ErrorSource::kOperator,
        "the kernel has no openat2 (Linux 5.6 or later, not filtered), without which paths are not safe");
  }
  return FileRoot(std::move(root), policy);
}

Result<OpenFile> FileRoot::open(const std::string& relative) const {
  // First a handle that opens nothing: opening a pipe or a device for reading can have effects by itself.
  const OwnedFd handle = open_beneath(root_.get(), relative, O_PATH, policy_);
  struct stat before {};
  if (!handle.valid() || ::fstat(handle.get(), &before) != 0) return open_failure(errno, relative);
  const bool directory = S_ISDIR(before.st_mode);
  if (!directory && !S_ISREG(before.st_mode)) return open_failure(ENOENT, relative);

  const int flags = O_RDONLY | O_NOCTTY | O_NONBLOCK | (directory ? O_DIRECTORY : 0);
  OwnedFd fd = open_beneath(root_.get(), relative, flags, policy_);
  struct stat status {};
  if (!fd.valid() || ::fstat(fd.get(), &status) != 0) return open_failure(errno, relative);
  if (S_ISDIR(status.st_mode) != directory || (!directory && !S_ISREG(status.st_mode))) {
    return open_failure(ENOENT, relative);  // replaced between the two opens by something else
  }
  return OpenFile{std::move(fd), stamp_from(status), directory};
}

Result<std::vector<ListingEntry>> FileRoot::list(const OpenFile& directory, bool hidden,
                                                 std::size_t limit) const {
  const int copy = ::fcntl(directory.fd.get(), F_DUPFD_CLOEXEC, 0);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(copy < 0 ? nullptr : ::fdopendir(copy), &::closedir);
  if (!stream) {
    if (copy >= 0) ::close(copy);
    return open_failure(errno, "directory");
  }
  std::vector<ListingEntry> entries;
  while (entries.size() < limit) {
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name == "." || name == ".." || (name.front() == '.' && !hidden)) continue;
    // What a request for the entry would not get is not shown either.
    const OwnedFd handle = open_beneath(directory.fd.get(), name, O_PATH, policy_);
    struct stat status {};
    if (!handle.valid() || ::fstat(handle.get(), &status) != 0) continue;
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) continue;
    entries.push_back(
        {name, S_ISDIR(status.st_mode), static_cast<std::uint64_t>(status.st_size), status.st_mtim.tv_sec});
  }
  std::sort(entries.begin(), entries.end(), [](const ListingEntry& a, const ListingEntry& b) {
    return a.directory != b.directory ? a.directory : a.name < b.name;
  });
  return entries;
}

Result<FileStamp> stamp_of(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return fail(ErrorCode::kIo, ErrorSource::kOrigin, std::strerror(errno));
  return stamp_from(status);
}

Result<void> read_exactly(int fd, std::uint64_t offset, char* to, std::size_t size) {
  while (size > 0) {
    const ssize_t got = ::pread(fd, to, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return fail(ErrorCode::kIo, ErrorSource::kOrigin, std::string("reading: ") + std::strerror(errno));
    if (got == 0)
      return fail(ErrorCode::kClosed, ErrorSource::kOrigin, "the file became shorter while it was read");
    to += got, offset += static_cast<std::uint64_t>(got), size -= static_cast<std::size_t>(got);
  }
  return {};
}

}  // namespace meridian::origin
