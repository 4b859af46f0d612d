#pragma once

#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "bench/ssd/figures.h"
#include "bench/ssd/sink.h"

// The limit for a hit on SSD: the least that a process can do to read 64 KiB past the page cache and send
// them. io_uring with a registered file, an epoll loop, one send; it looks nothing up and checks nothing.
namespace meridian::bench {

class BareReads {
 public:
  BareReads(const std::string& path, std::uint64_t file_bytes, std::uint32_t read_bytes, unsigned depth)
      : file_bytes_(file_bytes), read_bytes_(read_bytes) {
    file_ = ::open(path.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC);
    io_uring_params params{};
    params.flags = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SINGLE_ISSUER;
    ring_ = static_cast<int>(::syscall(__NR_io_uring_setup, 2 * depth, &params));
    if (file_ < 0 || ring_ < 0) std::perror("bare reads"), std::exit(1);
    if (::syscall(__NR_io_uring_register, ring_, IORING_REGISTER_FILES, &file_, 1) != 0) std::abort();
    rings_ = map(params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe), IORING_OFF_SQ_RING);
    entries_ =
        reinterpret_cast<io_uring_sqe*>(map(params.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES));
    params_ = params;
    for (unsigned i = 0; i < depth; ++i) {
      buffers_.push_back(static_cast<char*>(std::aligned_alloc(4096, read_bytes)));
    }
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLIN;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, ring_, &event);
  }

  // CPU seconds of this thread for each read.
  double run(std::uint64_t reads, const Sink& sink) {
    std::mt19937_64 random(1);
    std::uint64_t asked = 0;
    std::uint64_t done = 0;
    const double before = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    for (unsigned i = 0; i < buffers_.size(); ++i, ++asked) ask(i, random());
    submit();
    while (done < reads) {
      epoll_event event{};
      if (epoll_wait(epoll_, &event, 1, -1) <= 0) continue;
      unsigned head = *word(params_.cq_off.head);
      while (head != __atomic_load_n(word(params_.cq_off.tail), __ATOMIC_ACQUIRE)) {
        const io_uring_cqe& answer = reinterpret_cast<io_uring_cqe*>(
            rings_ + params_.cq_off.cqes)[head & *word(params_.cq_off.ring_mask)];
        if (answer.res != static_cast<int>(read_bytes_)) std::abort();
        const auto slot = static_cast<unsigned>(answer.user_data);
        sink.send(buffers_[slot], read_bytes_);
        ++done;
        __atomic_store_n(word(params_.cq_off.head), ++head, __ATOMIC_RELEASE);
        if (asked < reads) ask(slot, random()), ++asked;
      }
      submit();
    }
    return (seconds_of(CLOCK_THREAD_CPUTIME_ID) - before) / static_cast<double>(reads);
  }

 private:
  char* map(std::size_t bytes, long long offset) const {
    void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring_, offset);
    if (memory == MAP_FAILED) std::abort();
    return static_cast<char*>(memory);
  }
  unsigned* word(unsigned offset) const { return reinterpret_cast<unsigned*>(rings_ + offset); }
  void ask(unsigned slot, std::uint64_t where) {
    unsigned* tail = word(params_.sq_off.tail);
    const unsigned at = *tail & *word(params_.sq_off.ring_mask);
    io_uring_sqe& entry = entries_[at];
    std::memset(&entry, 0, sizeof entry);
    entry.opcode = IORING_OP_READ;
    entry.flags = IOSQE_FIXED_FILE;
    entry.off = where % (file_bytes_ / read_bytes_) * read_bytes_;
    entry.addr = reinterpret_cast<std::uintptr_t>(buffers_[slot]);
    entry.len = read_bytes_;
    entry.user_data = slot;
    word(params_.sq_off.array)[at] = at;
    __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
    ++queued_;
  }
  void submit() {
    if (queued_ > 0) ::syscall(__NR_io_uring_enter, ring_, queued_, 0, 0, nullptr, 0);
    queued_ = 0;
  }

  std::uint64_t file_bytes_;
  std::uint32_t read_bytes_;
  int file_ = -1;
  int ring_ = -1;
  int epoll_ = -1;
  io_uring_params params_{};
  char* rings_ = nullptr;
  io_uring_sqe* entries_ = nullptr;
  std::vector<char*> buffers_;
  unsigned queued_ = 0;
};

}  // namespace meridian::bench
