#pragma once

#include <functional>
#include <memory>
#include <unordered_map>

#include "lib/http/server.h"

namespace meridian::origin {

// The open connections of one listener on one loop, and the end of those that have ended.
class Connections {
 public:
  Connections(EventLoop& loop, std::size_t limit) : loop_(loop), limit_(limit) {}

  // Takes a new client; false at the limit, and then the stream is closed.
  bool add(std::unique_ptr<Stream> stream, const http::ServerLimits& limits, http::ConnectionHost& host);
  // From on_connection_closed(): the connection is destroyed at the end of the turn, when nothing of it is on
  // the stack.
  void remove(http::ServerConnection& connection);
  // Asks all to finish.
  void drain();
  // Ends all at once.
  void clear() { open_.clear(); }
  std::size_t size() const { return open_.size(); }

 private:
  EventLoop& loop_;
  const std::size_t limit_;
  std::unordered_map<http::ServerConnection*, std::unique_ptr<http::ServerConnection>> open_;
};

}  // namespace meridian::origin
