#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "lib/net/connect.h"
#include "origin/upstream/shared_group.h"

namespace meridian::upstream {

// One new connection to a target: resolves its name, then tries its addresses in order until one takes us,
// all within one deadline. Each address but the last gets an equal share of the time that is left, so that
// one that swallows everything does not use it up. On one loop; destroying it cancels.
class Connector {
 public:
  using Done = std::function<void(Result<std::unique_ptr<Stream>>)>;
  // `done` is called once, never inside the constructor; it may destroy the connector.
  Connector(EventLoop& loop, Resolver& resolver, const SharedTarget& target,
            std::shared_ptr<TlsClientContext> tls, const GroupOptions& group, Done done);
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

 private:
  void on_resolved(Result<std::vector<SocketAddress>> addresses);
  void try_next();
  void on_connected(Result<std::unique_ptr<Stream>> stream);
  void finish(Result<std::unique_ptr<Stream>> result);

  EventLoop& loop_;
  const SharedTarget& target_;
  const std::shared_ptr<TlsClientContext> tls_;
  const std::int64_t deadline_ms_;
  const SocketAddress source_;
  Done done_;
  Timer deadline_;
  Soon soon_;  // an answer that was known at once
  std::vector<SocketAddress> addresses_;
  std::size_t next_ = 0;
  Error last_error_;
  std::unique_ptr<Operation> operation_;
};

}  // namespace meridian::upstream
