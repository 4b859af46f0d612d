#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "lib/base/result.h"

namespace meridian::ssd {

// What one read gave. Fewer bytes than asked for without an error: the file ends there.
struct ReadResult {
  std::size_t bytes = 0;
  int error = 0;  // errno
};

// A file that is read and written at offsets. Blocking; any thread. With direct I/O, offsets, sizes and
// memory are multiples of a page.
class DiskFile {
 public:
  virtual ~DiskFile() = default;
  virtual ReadResult read(std::uint64_t offset, char* to, std::size_t bytes) const = 0;
  // All of it, or an errno; then any part of it may have been written.
  [[nodiscard]] virtual int write(std::uint64_t offset, const char* from, std::size_t bytes) = 0;
  // After it has returned 0, what was written before survives a crash of the machine.
  [[nodiscard]] virtual int sync() = 0;
  virtual bool writable() const = 0;
  // For reads that the kernel does by itself; -1: there is none, use read().
  virtual int descriptor() const { return -1; }
};

// Where files come from. The seam at which tests lose, tear, reorder and fail writes.
class Disk {
 public:
  struct How {
    std::uint64_t allocate_bytes =
        0;                // set aside now, so that a full disk is noticed now; 0: grows by writes
    bool direct = false;  // past the page cache, where the file system can do that
    bool empty = false;   // what it held is dropped
    bool alone = false;   // refused while another process has it open like this
  };
  virtual ~Disk() = default;
  // Makes the file when it is not there. On a read-only file system it comes back not writable.
  [[nodiscard]] virtual Result<std::unique_ptr<DiskFile>> open(const std::string& path, How how) = 0;
  // Durable when it has returned 0.
  [[nodiscard]] virtual int rename(const std::string& from, const std::string& to) = 0;
};

// The machine's.
Disk& system_disk();

}  // namespace meridian::ssd
