#include "lib/net/listener.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "lib/net/lifeline.h"
#include "lib/net/tcp_stream.h"
#include "lib/net/tls_stream.h"

namespace meridian {
namespace {

// Connections taken in one turn, so that a flood of them does not starve those that are being served.
constexpr int kAcceptsPerTurn = 64;
constexpr std::int64_t kPauseMs = 100;

int open_reserve() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

// One client's own misfortune (accept(2)): the next one may be fine. After anything else, most often a lack
// of descriptors or memory, trying again at once would only spin.
bool is_the_clients(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENOPROTOOPT:
    case ENONET:
    case EOPNOTSUPP:
      return true;
    default:
      return false;
  }
}

}  // namespace

class Listener::Impl final : private FdHandler {
 public:
  Impl(EventLoop& loop, const ListenSocket& socket, std::shared_ptr<TlsServerContext> tls, OnStream on_stream)
      : loop_(loop),
        fd_(socket.fd()),
        tls_(std::move(tls)),
        on_stream_(std::make_shared<OnStream>(std::move(on_stream))),
        reserve_fd_(open_reserve()),
        watch_(loop, socket.fd(), *this),
        resume_(loop, [this] { watch_.want(true, false); }) {
    watch_.want(true, false);
  }
  ~Impl() {
    if (reserve_fd_ >= 0) ::close(reserve_fd_);
  }

  std::uint64_t errors() const { return errors_; }

 private:
  void on_fd(bool, bool) override {
    const Lifeline::Scope scope(lifeline_);
    for (int i = 0; i < kAcceptsPerTurn && scope.alive(); ++i) {
      if (!accept_one()) break;
    }
  }

  // False when there is no more to take now.
  bool accept_one() {
    sockaddr_storage storage;
    socklen_t size = sizeof storage;
    auto* raw = reinterpret_cast<sockaddr*>(&storage);
    const int fd = ::accept4(fd_, raw, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      hand_out(fd, SocketAddress::from(raw, size));
      return true;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
    if (is_the_clients(errno)) return true;
    ++errors_;
    shed_one();
    watch_.want(false, false);
    resume_.arm(kPauseMs);
    return false;
  }

  // The call may destroy this listener, so the function is held here until it has returned.
  void hand_out(int fd, const SocketAddress& peer) {
    std::unique_ptr<Stream> stream =
        tls_ == nullptr ? make_tcp_stream(loop_, fd, peer) : make_tls_server_stream(loop_, fd, peer, tls_);
    if (stream == nullptr) {
      ++errors_;
      return;
    }
    const std::shared_ptr<OnStream> on_stream = on_stream_;
    (*on_stream)(std::move(stream));
  }

  // Gives up the descriptor kept for this moment to take one client and close on it, which tells it more than
  // silence.
  void shed_one() {
    if (reserve_fd_ < 0) return;
    ::close(reserve_fd_);
    const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) ::close(fd);
    reserve_fd_ = open_reserve();
  }

  EventLoop& loop_;
  const int fd_;
  std::shared_ptr<TlsServerContext> tls_;
  std::shared_ptr<OnStream> on_stream_;
  int reserve_fd_;
  std::uint64_t errors_ = 0;
  Lifeline lifeline_;
  FdWatch watch_;
  Timer resume_;
};

Listener::Listener(EventLoop& loop, const ListenSocket& socket, std::shared_ptr<TlsServerContext> tls,
                   OnStream on_stream)
    : impl_(std::make_unique<Impl>(loop, socket, std::move(tls), std::move(on_stream))) {}

Listener::~Listener() = default;

std::uint64_t Listener::accept_errors() const { return impl_->errors(); }

}  // namespace meridian
