#include "edge/tiers/ssd/ssd_opening.h"

#include <optional>
#include <utility>

namespace meridian {

// What the thread leaves; the loop may come to it when the opening is gone.
struct SsdOpening::Answer {
  Done done;  // the loop's; empty: nobody waits any more
  std::optional<Result<std::unique_ptr<SsdTier>>> opened;

  static void tell(const std::shared_ptr<Answer>& self) {
    const Done done = std::exchange(self->done, nullptr);
    if (done) done(std::move(*self->opened));
  }
};

SsdOpening::SsdOpening(EventLoop& loop, SsdOptions options, Done done)
    : answer_(std::make_shared<Answer>(Answer{std::move(done), std::nullopt})) {
  options.progress = &progress_;
  thread_ = std::thread([&loop, answer = answer_, options = std::move(options)]() mutable {
    answer->opened.emplace(SsdTier::open(std::move(options)));
    loop.post([answer] { Answer::tell(answer); });
  });
}

SsdOpening::~SsdOpening() {
  progress_.stop.store(true, std::memory_order_relaxed);
  answer_->done = nullptr;
  thread_.join();
}

}  // namespace meridian
