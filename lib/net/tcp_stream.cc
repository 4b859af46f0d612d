#include "lib/net/tcp_stream.h"

#include <sys/sendfile.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "lib/base/check.h"

namespace meridian {

IoResult Stream::write_file(const iovec*, int, const FilePlace&, std::size_t) {
  CHECK(false);  // sends_files() said no
  return {};
}

namespace {

IoResult from_errno() {
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoResult::Kind::kWouldBlock, 0, 0};
  return {IoResult::Kind::kError, 0, errno};
}

// Plain TCP. On its loop's thread; owned by whoever serves the connection, who may destroy it in a callback.
class TcpStream final : public Stream, private FdHandler {
 public:
  TcpStream(EventLoop& loop, int fd, const SocketAddress& peer)
      : socket_(fd, peer), watch_(loop, fd, *this) {}

  void set_handler(StreamHandler* handler) override { handler_ = handler; }
  void want(bool readable, bool writable) override { watch_.want(readable, writable); }
  IoResult read(char* to, std::size_t size) override { return socket_.read(to, size); }
  IoResult write(const iovec* parts, int count) override { return socket_.write(parts, count); }
  bool sends_files() const override { return true; }
  IoResult write_file(const iovec* parts, int count, const FilePlace& place, std::size_t size) override {
    return socket_.write_file(parts, count, place, size);
  }
  void shutdown_write() override { socket_.shutdown_write(); }
  void reset_on_close() override { socket_.reset_on_close(); }
  const TlsInfo* tls() const override { return nullptr; }
  const SocketAddress& peer() const override { return socket_.peer(); }
  const SocketAddress& local() const override { return socket_.local(); }
  bool stale() const override { return socket_.readable(); }
  int fd() const override { return socket_.fd(); }

 private:
  // A watch reports one direction at a time, so that nothing is touched after the handler has been called.
  void on_fd(bool readable, bool) override {
    if (handler_ == nullptr) return;
    if (readable) {
      handler_->on_readable();
    } else {
      handler_->on_writable();
    }
  }

  TcpSocket socket_;
  FdWatch watch_;
  StreamHandler* handler_ = nullptr;
};

}  // namespace

TcpSocket::~TcpSocket() {
  if (reset_on_close_) {
    const linger at_once{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  ::close(fd_);
}

const SocketAddress& TcpSocket::local() const {
  if (!local_.valid()) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    auto* raw = reinterpret_cast<sockaddr*>(&storage);
    if (::getsockname(fd_, raw, &size) == 0) local_ = SocketAddress::from(raw, size);
  }
  return local_;
}

IoResult TcpSocket::read(char* to, std::size_t size) {
  for (;;) {
    const ssize_t got = ::recv(fd_, to, size, 0);
    if (got > 0) return {IoResult::Kind::kOk, static_cast<std::size_t>(got), 0};
    if (got == 0) return {size == 0 ? IoResult::Kind::kOk : IoResult::Kind::kEof, 0, 0};
    if (errno != EINTR) return from_errno();
  }
}

IoResult TcpSocket::write(const iovec* parts, int count) {
  for (;;) {
    const ssize_t sent = count == 1 ? ::send(fd_, parts->iov_base, parts->iov_len, MSG_NOSIGNAL)
                                    : ::writev(fd_, parts, std::min(count, IOV_MAX));
    if (sent >= 0) return {IoResult::Kind::kOk, static_cast<std::size_t>(sent), 0};
    if (errno != EINTR) return from_errno();
  }
}

IoResult TcpSocket::write_file(const iovec* parts, int count, const FilePlace& place, std::size_t size) {
  std::size_t before = 0;
  if (count > 0) {
    std::size_t offered = 0;
    for (int i = 0; i < count; ++i) offered += parts[i].iov_len;
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts);
    message.msg_iovlen = static_cast<std::size_t>(std::min(count, IOV_MAX));
    // More follows at once: the head waits for the body, so that they share a packet.
    ssize_t sent = 0;
    do {
      sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_MORE);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) return from_errno();
    before = static_cast<std::size_t>(sent);
    if (before < offered) return {IoResult::Kind::kOk, before, 0};
  }
  for (;;) {
    auto offset = static_cast<off_t>(place.offset);
    const ssize_t sent = ::sendfile(fd_, place.fd, &offset, size);
    if (sent >= 0) return {IoResult::Kind::kOk, before + static_cast<std::size_t>(sent), 0};
    if (errno == EINTR) continue;
    // What keeps the file back shows again at the next write.
    return before > 0 ? IoResult{IoResult::Kind::kOk, before, 0} : from_errno();
  }
}

void TcpSocket::shutdown_write() { ::shutdown(fd_, SHUT_WR); }

bool TcpSocket::readable() const {
  char byte = 0;
  const ssize_t got = ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

std::unique_ptr<Stream> make_tcp_stream(EventLoop& loop, int fd, const SocketAddress& peer) {
  return std::make_unique<TcpStream>(loop, fd, peer);
}

}  // namespace meridian
