// The limit for plain hits: the least that a process can do to answer a request on a kept-alive connection.
// It reads, finds the end of the head, and hands a prebuilt response to writev. It parses, looks up and
// decides nothing.
//
//   bare_epoll --size 1024
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "bench/limit/loopback.h"

namespace meridian::bench {
namespace {

struct Connection {
  int fd = -1;
  HeadReader heads;
  std::size_t sent = 0;         // bytes of the response under way
  bool waits_for_room = false;  // EPOLLOUT is on
};

class Responder {
 public:
  Responder(std::size_t body_bytes, int listen_fd)
      : head_(cached_response_head(body_bytes, true)),
        body_(body_bytes, 'b'),
        listen_fd_(listen_fd),
        epoll_fd_(epoll_create1(EPOLL_CLOEXEC)) {}

  [[noreturn]] void run() {
    serve_for_ever(
        epoll_fd_, listen_fd_, [this](int fd) { accept(fd); },
        [this](void* data, std::uint32_t events) { serve(static_cast<Connection*>(data), events); }, [] {});
  }

 private:
  void accept(int fd) const {
    auto* connection = new Connection;
    connection->fd = fd;
    watch(epoll_fd_, EPOLL_CTL_ADD, fd, EPOLLIN, connection);
  }

  void serve(Connection* connection, std::uint32_t events) {
    const bool alive = (events & EPOLLOUT) != 0 ? write_owed(*connection) : read_some(*connection);
    if (alive) return;
    close(connection->fd);
    delete connection;
  }

  bool read_some(Connection& connection) {
    if (!connection.heads.read(connection.fd)) return false;
    return write_owed(connection);
  }

  bool write_owed(Connection& connection) {
    while (connection.heads.owed > 0) {
      const ssize_t wrote = write_behind(connection.fd, head_, body_, connection.sent);
      if (wrote < 0 && errno != EAGAIN) return false;
      if (wrote > 0) connection.sent += static_cast<std::size_t>(wrote);
      if (connection.sent < head_.size() + body_.size()) {
        wait_for_room(epoll_fd_, connection, true);
        return true;
      }
      connection.sent = 0;
      --connection.heads.owed;
    }
    wait_for_room(epoll_fd_, connection, false);
    return true;
  }

  const std::string head_;
  const std::string body_;
  const int listen_fd_;
  const int epoll_fd_;
};

}  // namespace
}  // namespace meridian::bench

int main(int argc, char** argv) {
  using namespace meridian::bench;
  const std::size_t body_bytes = option_number(argc, argv, "--size", 1024);
  Responder(body_bytes, listen_and_announce()).run();
}
