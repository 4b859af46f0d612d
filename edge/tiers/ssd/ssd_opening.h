#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "edge/tiers/ssd/ssd_tier.h"
#include "lib/net/event_loop.h"

namespace meridian {

// Opens the tier on a thread of its own, as reading back a large index takes seconds, and tells its loop how
// that went. On the loop's thread, and destroyed before the loop; destroying it gives up: nobody is told, and
// the thread, which is waited for, ends soon.
class SsdOpening {
 public:
  using Done = std::function<void(Result<std::unique_ptr<SsdTier>>)>;
  // Calls back once, never inside; the call may destroy this.
  SsdOpening(EventLoop& loop, SsdOptions options, Done done);
  ~SsdOpening();
  SsdOpening(const SsdOpening&) = delete;
  SsdOpening& operator=(const SsdOpening&) = delete;

  // The file could be had, and what is in it is being looked through.
  bool is_recovering() const { return progress_.is_recovering.load(std::memory_order_relaxed); }

 private:
  struct Answer;
  SsdOpenProgress progress_;
  std::shared_ptr<Answer> answer_;
  std::thread thread_;
};

}  // namespace meridian
