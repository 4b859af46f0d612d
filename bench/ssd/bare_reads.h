#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "bench/limit/bare_ring.h"
#include "bench/measure.h"
#include "bench/ssd/sink.h"

// The limit for a hit on SSD: the least that a process can do to read 64 KiB past the page cache and send
// them. io_uring with a registered file, an epoll loop, one send; it looks nothing up and checks nothing.
namespace meridian::bench {

class BareReads {
 public:
  BareReads(const std::string& path, std::uint64_t file_bytes, std::uint32_t read_bytes, unsigned depth)
      : file_bytes_(file_bytes), read_bytes_(read_bytes), ring_(path, 2 * depth) {
    for (unsigned i = 0; i < depth; ++i) {
      buffers_.push_back(static_cast<char*>(std::aligned_alloc(4096, read_bytes)));
    }
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{};
    event.events = EPOLLIN;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, ring_.descriptor(), &event);
  }

  // CPU seconds of this thread for each read.
  double run(std::uint64_t reads, const Sink& sink) {
    std::mt19937_64 random(1);
    std::uint64_t asked = 0;
    std::uint64_t done = 0;
    const double before = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    for (unsigned i = 0; i < buffers_.size(); ++i, ++asked) ask(i, random());
    ring_.submit();
    while (done < reads) {
      epoll_event event{};
      if (epoll_wait(epoll_, &event, 1, -1) <= 0) continue;
      ring_.take_all([&](std::uint64_t slot, int result) {
        if (result != static_cast<int>(read_bytes_)) std::abort();
        sink.send(buffers_[slot], read_bytes_);
        ++done;
        if (asked < reads) ask(slot, random()), ++asked;
      });
      ring_.submit();
    }
    return (seconds_of(CLOCK_THREAD_CPUTIME_ID) - before) / static_cast<double>(reads);
  }

 private:
  void ask(std::uint64_t slot, std::uint64_t where) {
    ring_.ask(where % (file_bytes_ / read_bytes_) * read_bytes_, buffers_[slot], read_bytes_, slot);
  }

  std::uint64_t file_bytes_;
  std::uint32_t read_bytes_;
  BareRing ring_;
  int epoll_ = -1;
  std::vector<char*> buffers_;
};

}  // namespace meridian::bench
