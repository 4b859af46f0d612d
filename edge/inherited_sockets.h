#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/net/listener.h"

namespace meridian::edge {

// Listening sockets that a predecessor handed over (see upgrade.h). What nobody takes is closed with this
// object.
class InheritedSockets {
 public:
  InheritedSockets() = default;
  // `text`: descriptors separated by commas, from the environment. Descriptors that are no listening sockets
  // are ignored.
  static InheritedSockets parse(std::string_view text);
  // Takes one that listens on `wanted` (any port, when its port is 0); a fresh one when there is none.
  [[nodiscard]] Result<ListenSocket> take_or_open(const SocketAddress& wanted, int backlog);
  // All that listen on this address, further ones too: a socket that is closed with connections in its queue
  // resets them.
  std::vector<ListenSocket> take_all(const SocketAddress& wanted);

 private:
  std::vector<ListenSocket> sockets_;
};

}  // namespace meridian::edge
