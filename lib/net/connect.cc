#include "lib/net/connect.h"

#include <netinet/tcp.h>
#include <openssl/err.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "lib/net/system_error.h"
#include "lib/net/tls_stream.h"

namespace meridian {
namespace {

ErrorCode code_of(int error) {
  switch (error) {
    case ECONNREFUSED:
      return ErrorCode::kRefused;
    case ETIMEDOUT:
      return ErrorCode::kTimeout;
    case ECONNRESET:
    case EPIPE:
      return ErrorCode::kClosed;
    default:
      return ErrorCode::kIo;
  }
}

// One attempt: TCP, then TLS if asked for. Failures known at once are told soon, never inside connect().
class Connecting final : public Operation, private FdHandler, private StreamHandler {
 public:
  using Done = std::function<void(Result<std::unique_ptr<Stream>>)>;
  Connecting(EventLoop& loop, const SocketAddress& address, const ConnectOptions& options, Done done)
      : loop_(loop),
        address_(address),
        options_(options),
        done_(std::move(done)),
        timer_(loop, [this] { time_out(); }),
        soon_(loop, [this] { finish(std::move(*known_)); }) {
    timer_.arm(options.timeout_ms);
    open();
  }
  ~Connecting() override {
    watch_.reset();
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  void open() {
    fd_ = ::socket(address_.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return finish_soon(failure_of(errno));
    const int one = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (options_.source.valid() && options_.source.family() == address_.family()) bind_to_source();
    if (::connect(fd_, address_.raw(), address_.raw_size()) != 0 && errno != EINPROGRESS) {
      return finish_soon(failure_of(errno));
    }
    watch_.reset(new FdWatch(loop_, fd_, *this));
    watch_->want(false, true);
  }

  // The port is chosen when it connects, so that one may serve for several destinations.
  void bind_to_source() {
    SocketAddress source = options_.source;
    source.set_port(0);
    const int one = 1;
    ::setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    static_cast<void>(::bind(fd_, source.raw(), source.raw_size()));
  }

  void on_fd(bool, bool) override {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    watch_.reset();
    if (error != 0) return finish(failure_of(error));
    const int fd = std::exchange(fd_, -1);
    if (options_.tls == nullptr) return finish(make_tcp_stream(loop_, fd, address_));
    shake_hands(fd);
  }

  void shake_hands(int fd) {
    SslPtr ssl(options_.tls->new_connection(options_.server_name));
    if (ssl == nullptr) {
      ERR_clear_error();
      ::close(fd);
      return finish(
          fail(ErrorCode::kTls, ErrorSource::kEdge,
               "cannot begin TLS with " + where() + ": \"" + options_.server_name + "\" is no server name"));
    }
    stream_ = std::make_unique<TlsStream>(loop_, fd, address_, std::move(ssl), options_.tls);
    stream_->set_handler(this);
    stream_->want(false, true);
    stream_->start();
  }

  void on_readable() override {}
  // The handshake is over, one way or the other.
  void on_writable() override {
    if (!stream_->handshaken()) {
      return finish(fail(ErrorCode::kTls, ErrorSource::kOrigin,
                         "TLS with " + where() + " failed: " + std::string(stream_->failure())));
    }
    stream_->want(false, false);
    stream_->set_handler(nullptr);
    finish(std::move(stream_));
  }

  void time_out() {
    finish(fail(ErrorCode::kTimeout, ErrorSource::kOrigin,
                (stream_ == nullptr ? "no connection to " : "no end of the TLS handshake with ") + where() +
                    " within " + std::to_string(options_.timeout_ms) + " ms",
                true));
  }

  std::string where() const {
    const std::string address = address_.to_string();
    return options_.server_name.empty() ? address : options_.server_name + " (" + address + ")";
  }

  Failure failure_of(int error) const {
    return io_failure("cannot connect to " + where(), error, code_of(error), ErrorSource::kOrigin, true);
  }

  void finish_soon(Result<std::unique_ptr<Stream>> result) {
    known_ = std::make_unique<Result<std::unique_ptr<Stream>>>(std::move(result));
    soon_.schedule();
  }

  // The call may destroy this operation.
  void finish(Result<std::unique_ptr<Stream>> result) {
    timer_.cancel();
    watch_.reset();
    const std::unique_ptr<TlsStream> failed = std::move(stream_);
    const Done done = std::move(done_);
    done(std::move(result));
  }

  EventLoop& loop_;
  const SocketAddress address_;
  const ConnectOptions options_;
  Done done_;
  int fd_ = -1;
  std::unique_ptr<FdWatch> watch_;
  std::unique_ptr<TlsStream> stream_;
  std::unique_ptr<Result<std::unique_ptr<Stream>>> known_;
  Timer timer_;
  Soon soon_;
};

}  // namespace

std::unique_ptr<Operation> connect(EventLoop& loop, const SocketAddress& address,
                                   const ConnectOptions& options,
                                   std::function<void(Result<std::unique_ptr<Stream>>)> done) {
  return std::make_unique<Connecting>(loop, address, options, std::move(done));
}

}  // namespace meridian
