#include "origin/upstream/idle_pool.h"

#include <algorithm>

#include "lib/base/check.h"

namespace meridian::upstream {

std::unique_ptr<Connection> IdlePool::take() {
  if (idle_.empty()) return nullptr;
  std::unique_ptr<Connection> connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void IdlePool::put(std::unique_ptr<Connection> connection) {
  std::int64_t timeout_ms = timeout_ms_;
  if (connection->keep_alive_ms())
    timeout_ms = std::min(timeout_ms, *connection->keep_alive_ms() - kBeforePeerMs);
  if (timeout_ms <= 0 || idle_.size() >= most_) return;
  connection->go_idle(*this, timeout_ms);
  idle_.push_back(std::move(connection));
}

void IdlePool::on_unfit(Connection& connection) {
  const auto at =
      std::find_if(idle_.begin(), idle_.end(), [&](const auto& c) { return c.get() == &connection; });
  CHECK(at != idle_.end());
  // Out of the list first: a destructor must not find it in there.
  const std::unique_ptr<Connection> dying = std::move(*at);
  idle_.erase(at);
}

}  // namespace meridian::upstream
