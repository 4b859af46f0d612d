#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/choices.h"
#include "lib/base/result.h"
#include "origin/server/owned_fd.h"

namespace meridian::origin {

// What identifies one state of one file. Two equal stamps mean the same bytes, as far as a file system can
// tell: see entity_tag() for where it cannot.
struct FileStamp {
  std::uint64_t size = 0;
  std::int64_t mtime_s = 0;
  std::int64_t mtime_ns = 0;  // within the second
  std::uint64_t inode = 0;
  bool operator==(const FileStamp&) const = default;
};

// A strong entity tag (RFC 9110 section 8.8.1) of size, modification time in nanoseconds and inode, and of
// the content coding, since codings are different representations. Replacing a file by rename always changes
// it; writing in place changes it unless the size stays and the kernel's clock has not ticked (a few
// milliseconds) since the last write.
std::string entity_tag(const FileStamp& stamp, std::string_view coding);

struct OpenFile {
  OwnedFd fd;
  FileStamp stamp;
  bool directory = false;  // then `fd` is good for listing only
};

struct ListingEntry {
  std::string name;
  bool directory = false;
  std::uint64_t size = 0;
  std::int64_t mtime_s = 0;
};

// The tree of files that is served, and what symbolic links do in it: with `never` a path with a link in it
// does not exist; with `inside` relative links that stay beneath the root are followed; with `all` every link
// is, wherever it leads. Every open goes through the kernel's path rules (openat2), not through string
// checks: no path leaves the root, whatever is renamed meanwhile. Its calls may wait for a disk: on I/O
// threads only. Immutable after create(), so any thread may call.
class FileRoot {
 public:
  [[nodiscard]] static Result<FileRoot> create(const std::string& directory, config::Symlinks policy);

  // Opens a regular file or a directory; `relative` has no dot segments. Fails with kNotFound (also for a
  // link that the policy forbids and for special files, which are never opened for reading), kRefused
  // (permission), kUnavailable (descriptors ran out), kIo.
  [[nodiscard]] Result<OpenFile> open(const std::string& relative) const;

  // Reads a directory's entries: regular files and directories, hidden ones only if asked; at most `limit`.
  [[nodiscard]] Result<std::vector<ListingEntry>> list(const OpenFile& directory, bool hidden,
                                                       std::size_t limit) const;

 private:
  FileRoot(OwnedFd root, config::Symlinks policy) : root_(std::move(root)), policy_(policy) {}
  OwnedFd root_;
  config::Symlinks policy_;
};

// The state of an open file now.
[[nodiscard]] Result<FileStamp> stamp_of(int fd);

// Reads exactly [offset, offset + size) or fails: with kClosed when the file ends before, kIo otherwise.
[[nodiscard]] Result<void> read_exactly(int fd, std::uint64_t offset, char* to, std::size_t size);

}  // namespace meridian::origin
