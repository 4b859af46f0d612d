#pragma once

#include <memory>

#include "lib/net/event_loop.h"
#include "lib/net/stream.h"

namespace meridian {

// The descriptor and the two addresses of a TCP connection, and the calls on it that know no TLS. Owns the
// descriptor.
class TcpSocket {
 public:
  TcpSocket(int fd, const SocketAddress& peer) : fd_(fd), peer_(peer) {}
  ~TcpSocket();
  TcpSocket(const TcpSocket&) = delete;
  TcpSocket& operator=(const TcpSocket&) = delete;

  int fd() const { return fd_; }
  const SocketAddress& peer() const { return peer_; }
  // Asked of the kernel once, when somebody wants to know.
  const SocketAddress& local() const;
  IoResult read(char* to, std::size_t size);
  IoResult write(const iovec* parts, int count);
  IoResult write_file(const iovec* parts, int count, const FilePlace& place, std::size_t size);
  void shutdown_write();
  void reset_on_close() { reset_on_close_ = true; }
  bool will_reset() const { return reset_on_close_; }
  // Something can be read: bytes, the end, or an error.
  bool readable() const;

 private:
  int fd_;
  bool reset_on_close_ = false;
  SocketAddress peer_;
  mutable SocketAddress local_;
};

// Takes `fd`, a connected non-blocking socket with TCP_NODELAY.
std::unique_ptr<Stream> make_tcp_stream(EventLoop& loop, int fd, const SocketAddress& peer);

}  // namespace meridian
