#include <utility>

#include "edge/tiers/ssd/read_queue.h"

namespace meridian::ssd {

// Where threads leave answers for one loop; outlives the queue for the sake of reads under way.
class ReadPool::Mailbox final : public std::enable_shared_from_this<Mailbox> {
 public:
  struct Answer {
    std::uint32_t slot;
    std::int64_t result;
  };
  Mailbox(EventLoop& loop, ReadQueue::Owner& owner) : loop_(&loop), owner_(&owner) {}

  // From a pool's thread.
  void leave(Answer answer) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    if (loop_ == nullptr) return;
    answers_.push_back(answer);
    if (answers_.size() > 1) return;
    loop_->post([self = shared_from_this()] { self->hand_over(); });
  }
  void close() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    loop_ = nullptr;
    owner_ = nullptr;
  }

 private:
  // On the loop's thread, on which the queue is closed too: perhaps by one of these answers.
  void hand_over() EXCLUDES(mutex_) {
    std::vector<Answer> answers;
    {
      MutexLock lock(mutex_);
      answers.swap(answers_);
    }
    for (const Answer& answer : answers) {
      ReadQueue::Owner* owner = nullptr;
      {
        MutexLock lock(mutex_);
        owner = owner_;
      }
      if (owner == nullptr) return;
      owner->on_read(answer.slot, answer.result);
    }
  }

  Mutex mutex_;
  EventLoop* loop_ GUARDED_BY(mutex_);
  ReadQueue::Owner* owner_ GUARDED_BY(mutex_);
  std::vector<Answer> answers_ GUARDED_BY(mutex_);
};

class ReadPool::Queue final : public ReadQueue {
 public:
  Queue(ReadPool& pool, EventLoop& loop, Owner& owner)
      : pool_(pool), mailbox_(std::make_shared<Mailbox>(loop, owner)) {}
  ~Queue() override { mailbox_->close(); }
  void read(std::uint32_t slot, std::uint64_t offset, const Ref<AlignedBuffer>& to,
            std::uint32_t bytes) override {
    pool_.push({mailbox_, slot, offset, to, bytes});
  }

 private:
  ReadPool& pool_;
  std::shared_ptr<Mailbox> mailbox_;
};

ReadPool::ReadPool(const DiskFile& file, unsigned threads) : file_(file) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

ReadPool::~ReadPool() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::unique_ptr<ReadQueue> ReadPool::make_queue(EventLoop& loop, ReadQueue::Owner& owner) {
  return std::make_unique<Queue>(*this, loop, owner);
}

void ReadPool::push(Job job) {
  {
    MutexLock lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  work_.notify_one();
}

void ReadPool::run() {
  for (;;) {
    Job job;
    {
      MutexLock lock(mutex_);
      while (jobs_.empty() && !stopping_) work_.wait(mutex_);
      if (stopping_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    const ReadResult result = file_.read(job.offset, job.to->data(), job.bytes);
    job.to.reset();
    job.mailbox->leave({job.slot, result.error != 0 ? -std::int64_t{result.error}
                                                    : static_cast<std::int64_t>(result.bytes)});
  }
}

}  // namespace meridian::ssd
