#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "edge/tiers/ssd/buffers.h"
#include "edge/tiers/ssd/disk.h"
#include "lib/base/mutex.h"
#include "lib/base/result.h"
#include "lib/net/event_loop.h"

namespace meridian::ssd {

// Reads for one event loop that never block it. On the loop's thread.
class ReadQueue {
 public:
  // Told on the loop's thread, never inside read(): bytes, or a negative errno.
  class Owner {
   public:
    virtual void on_read(std::uint32_t slot, std::int64_t result) = 0;

   protected:
    ~Owner() = default;
  };
  // Destroying it waits for the reads that are under way, or leaves them to themselves; either way nobody is
  // told any more, and the buffers live until they are not written to.
  virtual ~ReadQueue() = default;
  virtual void read(std::uint32_t slot, std::uint64_t offset, const Ref<AlignedBuffer>& to,
                    std::uint32_t bytes) = 0;
};

// By io_uring; what a turn of the loop asks for is handed to the kernel together. Fails where the kernel
// refuses.
[[nodiscard]] Result<std::unique_ptr<ReadQueue>> make_ring_queue(EventLoop& loop, const DiskFile& file,
                                                                 ReadQueue::Owner& owner, unsigned depth);

// Threads that read for every loop, where io_uring cannot. Ends after the queues that use it.
class ReadPool {
 public:
  ReadPool(const DiskFile& file, unsigned threads);
  ~ReadPool();
  ReadPool(const ReadPool&) = delete;
  ReadPool& operator=(const ReadPool&) = delete;
  std::unique_ptr<ReadQueue> make_queue(EventLoop& loop, ReadQueue::Owner& owner);

 private:
  class Queue;
  class Mailbox;
  struct Job {
    std::shared_ptr<Mailbox> mailbox;
    std::uint32_t slot = 0;
    std::uint64_t offset = 0;
    Ref<AlignedBuffer> to;
    std::uint32_t bytes = 0;
  };
  void push(Job job) EXCLUDES(mutex_);
  void run();

  const DiskFile& file_;
  Mutex mutex_;
  CondVar work_;
  std::deque<Job> jobs_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace meridian::ssd
