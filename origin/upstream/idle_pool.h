#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "origin/upstream/connection.h"

namespace meridian::upstream {

// One worker's idle connections to one target, the latest used first: so that those which a lower load does
// not need grow old. On one loop.
class IdlePool final : private IdleOwner {
 public:
  IdlePool(std::size_t most, std::int64_t timeout_ms) : most_(most), timeout_ms_(timeout_ms) {}

  // Nullptr: none is idle.
  std::unique_ptr<Connection> take();
  // Keeps it if there is room for it and the peer will not close it at once.
  void put(std::unique_ptr<Connection> connection);
  void clear() { idle_.clear(); }
  std::size_t size() const { return idle_.size(); }

 private:
  void on_unfit(Connection& connection) override;

  // An origin that closes after a time is given up a little before, as a request that crosses the close is
  // lost.
  static constexpr std::int64_t kBeforePeerMs = 1000;
  const std::size_t most_;
  const std::int64_t timeout_ms_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace meridian::upstream
