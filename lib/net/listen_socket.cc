#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "lib/net/listener.h"
#include "lib/net/system_error.h"

namespace meridian {
namespace {

bool turn_on(int fd, int level, int option) {
  const int one = 1;
  return ::setsockopt(fd, level, option, &one, sizeof one) == 0;
}

SocketAddress bound_address(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* raw = reinterpret_cast<sockaddr*>(&storage);
  return ::getsockname(fd, raw, &size) == 0 ? SocketAddress::from(raw, size) : SocketAddress();
}

// Linux hands TCP_NODELAY and SO_KEEPALIVE down to each accepted connection, which saves two calls there.
bool set_inherited_options(int fd) {
  return turn_on(fd, IPPROTO_TCP, TCP_NODELAY) && turn_on(fd, SOL_SOCKET, SO_KEEPALIVE);
}

bool prepare(int fd, const SocketAddress& address) {
  if (!turn_on(fd, SOL_SOCKET, SO_REUSEADDR) || !turn_on(fd, SOL_SOCKET, SO_REUSEPORT)) return false;
  // [::] and 0.0.0.0 can then be listened on side by side, and no client shows as an IPv4-mapped address.
  if (address.family() == AF_INET6 && !turn_on(fd, IPPROTO_IPV6, IPV6_V6ONLY)) return false;
  return set_inherited_options(fd);
}

}  // namespace

Result<ListenSocket> ListenSocket::open(const SocketAddress& address, int backlog) {
  const std::string what = "cannot listen on " + address.to_string();
  const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return io_failure(what, errno, ErrorCode::kIo, ErrorSource::kOperator);
  ListenSocket socket(fd, address);
  if (!prepare(fd, address) || ::bind(fd, address.raw(), address.raw_size()) != 0 ||
      ::listen(fd, backlog) != 0) {
    return io_failure(what, errno, ErrorCode::kIo, ErrorSource::kOperator);
  }
  socket.address_ = bound_address(fd);
  return socket;
}

Result<ListenSocket> ListenSocket::adopt(int fd) {
  const std::string what = "descriptor " + std::to_string(fd) + " is no listening TCP socket";
  int listening = 0;
  socklen_t size = sizeof listening;
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0) return io_failure(what, errno);
  const SocketAddress address = bound_address(fd);
  if (listening == 0 || !address.valid()) return fail(ErrorCode::kInvalid, ErrorSource::kEdge, what);
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
      !set_inherited_options(fd)) {
    return io_failure("cannot prepare the inherited socket of " + address.to_string(), errno);
  }
  return ListenSocket(fd, address);
}

ListenSocket::ListenSocket(ListenSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), address_(other.address_) {}

ListenSocket& ListenSocket::operator=(ListenSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(address_, other.address_);
  return *this;
}

ListenSocket::~ListenSocket() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace meridian
