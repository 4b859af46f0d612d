#include "edge/inherited_sockets.h"

#include <charconv>

namespace meridian::edge {
namespace {

bool matches(const SocketAddress& have, const SocketAddress& wanted) {
  if (wanted.port() != 0) return have == wanted;
  SocketAddress portless = have;
  portless.set_port(0);
  return portless == wanted;
}

}  // namespace

InheritedSockets InheritedSockets::parse(std::string_view text) {
  InheritedSockets inherited;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    int fd = -1;
    if (std::from_chars(item.data(), item.data() + item.size(), fd).ec != std::errc()) continue;
    if (auto socket = ListenSocket::adopt(fd)) inherited.sockets_.push_back(*std::move(socket));
  }
  return inherited;
}

std::vector<ListenSocket> InheritedSockets::take_all(const SocketAddress& wanted) {
  std::vector<ListenSocket> taken, rest;
  // With port 0 the first address that fits is taken, and then only sockets of that one.
  SocketAddress chosen = wanted;
  for (ListenSocket& socket : sockets_) {
    if (matches(socket.address(), chosen)) {
      chosen = socket.address();
      taken.push_back(std::move(socket));
    } else {
      rest.push_back(std::move(socket));
    }
  }
  sockets_ = std::move(rest);
  return taken;
}

Result<ListenSocket> InheritedSockets::take_or_open(const SocketAddress& wanted, int backlog) {
  for (auto it = sockets_.begin(); it != sockets_.end(); ++it) {
    if (!matches(it->address(), wanted)) continue;
    ListenSocket taken = std::move(*it);
    sockets_.erase(it);
    return taken;
  }
  return ListenSocket::open(wanted, backlog);
}

}  // namespace meridian::edge
