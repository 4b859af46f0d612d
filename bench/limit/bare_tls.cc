// The limit for hits over TLS 1.3: as bare_epoll, with OpenSSL on the socket (SSL_set_fd), nothing between.
// With
// --close 1 it closes after each response, which makes it the limit for full handshakes too. OpenSSL's
// defaults hold, two session tickets for each handshake among them, as they do for every peer.
//
//   bare_tls --size 1024 --certificate cert.pem --key key.pem [--close 1]
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

#include "bench/limit/loopback.h"

namespace meridian::bench {
namespace {

struct Connection {
  SSL* ssl = nullptr;
  int fd = -1;
  std::size_t filled = 0;
  bool answering = false;  // the response has not gone out whole
  std::uint32_t watched = EPOLLIN;
  std::array<char, 8192> buffer;
};

class Responder {
 public:
  Responder(SSL_CTX* context, std::size_t body_bytes, bool close_after, int listen_fd)
      : context_(context),
        response_(cached_response_head(body_bytes, !close_after) + std::string(body_bytes, 'b')),
        close_after_(close_after),
        listen_fd_(listen_fd),
        epoll_fd_(epoll_create1(EPOLL_CLOEXEC)) {}

  [[noreturn]] void run() {
    serve_for_ever(
        epoll_fd_, listen_fd_, [this](int fd) { accept(fd); },
        [this](void* data, std::uint32_t) {
          auto* connection = static_cast<Connection*>(data);
          if (!serve(*connection)) drop(connection);
        },
        [] {});
  }

 private:
  void accept(int fd) const {
    auto* connection = new Connection;
    connection->fd = fd;
    connection->ssl = SSL_new(context_);
    SSL_set_fd(connection->ssl, fd);
    SSL_set_accept_state(connection->ssl);
    watch(epoll_fd_, EPOLL_CTL_ADD, fd, EPOLLIN, connection);
  }

  static void drop(Connection* connection) {
    SSL_free(connection->ssl);
    close(connection->fd);
    delete connection;
  }

  // SSL_read shakes hands first where that is due. False: the connection is over.
  bool serve(Connection& connection) {
    while (true) {
      if (connection.answering) {
        const int wrote = SSL_write(connection.ssl, response_.data(), static_cast<int>(response_.size()));
        if (wrote <= 0) return waits(connection, wrote);
        connection.answering = false;
        if (close_after_) {
          SSL_shutdown(connection.ssl);
          return false;
        }
      }
      const int got = SSL_read(connection.ssl, connection.buffer.data() + connection.filled,
                               static_cast<int>(connection.buffer.size() - connection.filled));
      if (got <= 0) return waits(connection, got);
      connection.filled += static_cast<std::size_t>(got);
      if (std::string_view(connection.buffer.data(), connection.filled).find("\r\n\r\n") !=
          std::string_view::npos) {
        connection.filled = 0;
        connection.answering = true;
      }
    }
  }

  bool waits(Connection& connection, int result) const {
    const int why = SSL_get_error(connection.ssl, result);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return false;
    const std::uint32_t events = why == SSL_ERROR_WANT_WRITE ? EPOLLOUT : EPOLLIN;
    if (events != connection.watched) watch(epoll_fd_, EPOLL_CTL_MOD, connection.fd, events, &connection);
    connection.watched = events;
    return true;
  }

  SSL_CTX* const context_;
  const std::string response_;
  const bool close_after_;
  const int listen_fd_;
  const int epoll_fd_;
};

SSL_CTX* server_context(const std::string& certificate, const std::string& key) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    fail("certificate");
  }
  return context;
}

}  // namespace
}  // namespace meridian::bench

int main(int argc, char** argv) {
  using namespace meridian::bench;
  SSL_CTX* context = server_context(option(argc, argv, "--certificate", ""), option(argc, argv, "--key", ""));
  const bool close_after = option_number(argc, argv, "--close", 0) != 0;
  Responder(context, option_number(argc, argv, "--size", 1024), close_after, listen_and_announce()).run();
}
