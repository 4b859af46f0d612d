#pragma once

#include <linux/io_uring.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "lib/base/result.h"

namespace meridian::ssd {

// One io_uring of one thread, for reads of one file. Its descriptor is readable while answers wait, so a loop
// watches it like a socket.
class IoRing {
 public:
  // Fails where the kernel does not allow it.
  [[nodiscard]] static Result<std::unique_ptr<IoRing>> create(int file, unsigned entries);
  ~IoRing();
  IoRing(const IoRing&) = delete;
  IoRing& operator=(const IoRing&) = delete;

  int descriptor() const { return fd_; }
  // False: the queue is full; submit() first.
  bool read(std::uint64_t offset, char* to, std::uint32_t bytes, std::uint64_t tag);
  // Hands what was queued to the kernel; `wait_for` answers at least. 0 or an errno.
  int submit(unsigned wait_for = 0);

  // Takes back what the kernel has not taken; returns one tag, until there is none.
  std::optional<std::uint64_t> take_back();

  struct Answer {
    std::uint64_t tag = 0;
    std::int32_t result = 0;  // bytes, or a negative errno
  };
  bool take(Answer* answer);

 private:
  IoRing() = default;
  Result<void> open(int file, unsigned entries);
  Result<void> map(const io_uring_params& params);

  int fd_ = -1;
  bool fixed_file_ = false;
  int file_ = -1;
  char* rings_ = nullptr;
  std::size_t rings_bytes_ = 0;
  io_uring_sqe* entries_ = nullptr;
  std::size_t entries_bytes_ = 0;
  // Words that the kernel and this thread share.
  unsigned* submit_head_ = nullptr;
  unsigned* submit_tail_ = nullptr;
  unsigned* submit_array_ = nullptr;
  unsigned submit_mask_ = 0;
  unsigned* done_head_ = nullptr;
  unsigned* done_tail_ = nullptr;
  io_uring_cqe* done_ = nullptr;
  unsigned done_mask_ = 0;
  unsigned queued_ = 0;  // not yet submitted
};

}  // namespace meridian::ssd
