#pragma once

#include <functional>
#include <memory>

#include "lib/base/result.h"
#include "lib/net/event_loop.h"
#include "lib/net/stream.h"

namespace meridian {

class TlsServerContext;

// A listening socket, made before workers start (and handed over to a new process on upgrade). SO_REUSEPORT,
// one for each worker. Owns the descriptor.
class ListenSocket {
 public:
  [[nodiscard]] static Result<ListenSocket> open(const SocketAddress& address, int backlog = 4096);
  // Takes a descriptor inherited from the process that we replace.
  [[nodiscard]] static Result<ListenSocket> adopt(int fd);
  ListenSocket(ListenSocket&& other) noexcept;
  ListenSocket& operator=(ListenSocket&& other) noexcept;
  ~ListenSocket();
  int fd() const { return fd_; }
  const SocketAddress& address() const { return address_; }  // with the port that the kernel chose

 private:
  ListenSocket(int fd, SocketAddress address) : fd_(fd), address_(address) {}
  int fd_ = -1;
  SocketAddress address_;
};

// Accepts on one loop and hands out streams. With a TLS context the stream is TLS. When descriptors run out
// it pauses for a while instead of spinning, and counts. Destroying it stops accepting; the socket stays
// open.
class Listener {
 public:
  using OnStream = std::function<void(std::unique_ptr<Stream>)>;
  // `tls` may be nullptr; it is asked for at each accept, so that a reload of certificates takes effect at
  // once.
  Listener(EventLoop& loop, const ListenSocket& socket, std::shared_ptr<TlsServerContext> tls,
           OnStream on_stream);
  ~Listener();
  std::uint64_t accept_errors() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace meridian
