#pragma once

#include "bench/replay/trace.h"

namespace meridian::replay {

// When what a cache holds goes stale. What is found after its lifetime is a miss, and fresh again: the edge
// asks the origin and puts the answer where the old one was.
class Lifetimes {
 public:
  explicit Lifetimes(std::size_t objects) : stale_ms_(objects) {}
  // Whether a hit is one; what was fetched is fresh from now on.
  bool judge(const Request& request, bool held) {
    std::int64_t& stale_ms = stale_ms_[request.id];
    const bool fresh = held && (stale_ms == 0 || request.time_ms < stale_ms);
    if (!fresh) stale_ms = request.ttl_s == 0 ? 0 : request.time_ms + std::int64_t{request.ttl_s} * 1000;
    return fresh;
  }

 private:
  std::vector<std::int64_t> stale_ms_;  // 0: never
};

}  // namespace meridian::replay
