#pragma once

#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

// The least that a process needs to read a file past the page cache without waiting: one io_uring with the
// file registered. Its descriptor is readable while answers wait.
namespace meridian::bench {

class BareRing {
 public:
  BareRing(const std::string& path, unsigned entries) {
    file_ = ::open(path.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC);
    params_.flags = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SINGLE_ISSUER;
    ring_ = static_cast<int>(::syscall(__NR_io_uring_setup, entries, &params_));
    if (file_ < 0 || ring_ < 0) std::perror(path.c_str()), std::exit(1);
    if (::syscall(__NR_io_uring_register, ring_, IORING_REGISTER_FILES, &file_, 1) != 0) std::abort();
    const std::size_t answers_end = params_.cq_off.cqes + params_.cq_entries * sizeof(io_uring_cqe);
    const std::size_t questions_end = params_.sq_off.array + params_.sq_entries * sizeof(unsigned);
    rings_ = map(std::max(answers_end, questions_end), IORING_OFF_SQ_RING);
    entries_ =
        reinterpret_cast<io_uring_sqe*>(map(params_.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES));
  }
  BareRing(const BareRing&) = delete;
  BareRing& operator=(const BareRing&) = delete;

  int descriptor() const { return ring_; }

  void ask(std::uint64_t offset, char* to, std::uint32_t bytes, std::uint64_t tag) {
    unsigned* tail = word(params_.sq_off.tail);
    const unsigned at = *tail & *word(params_.sq_off.ring_mask);
    io_uring_sqe& entry = entries_[at];
    std::memset(&entry, 0, sizeof entry);
    entry.opcode = IORING_OP_READ;
    entry.flags = IOSQE_FIXED_FILE;
    entry.off = offset;
    entry.addr = reinterpret_cast<std::uintptr_t>(to);
    entry.len = bytes;
    entry.user_data = tag;
    word(params_.sq_off.array)[at] = at;
    __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
    ++queued_;
  }

  // Everything that was asked for since the last time, in one call.
  void submit() {
    if (queued_ > 0) ::syscall(__NR_io_uring_enter, ring_, queued_, 0, 0, nullptr, 0);
    queued_ = 0;
  }

  // Calls `done(tag, result)` for each answer that is there. It may ask for more.
  template <class Done>
  void take_all(Done&& done) {
    unsigned head = *word(params_.cq_off.head);
    while (head != __atomic_load_n(word(params_.cq_off.tail), __ATOMIC_ACQUIRE)) {
      const io_uring_cqe answer = reinterpret_cast<io_uring_cqe*>(
          rings_ + params_.cq_off.cqes)[head & *word(params_.cq_off.ring_mask)];
      __atomic_store_n(word(params_.cq_off.head), ++head, __ATOMIC_RELEASE);
      done(answer.user_data, answer.res);
    }
  }

 private:
  char* map(std::size_t bytes, long long offset) const {
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring_, offset);
    if (memory == MAP_FAILED) std::abort();
    return static_cast<char*>(memory);
  }
  unsigned* word(unsigned offset) const { return reinterpret_cast<unsigned*>(rings_ + offset); }

  int file_ = -1;
  int ring_ = -1;
  io_uring_params params_{};
  char* rings_ = nullptr;
  io_uring_sqe* entries_ = nullptr;
  unsigned queued_ = 0;
};

}  // namespace meridian::bench
