// The limit for pass-through: bytes from the client go to the origin and back, over a connection to the
// origin that is kept as long as the client's. Nothing is parsed. Messages here are small, so read and write
// are cheaper than splice, which would need a pipe for each direction.
//
//   bare_proxy --origin PORT
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include "bench/limit/loopback.h"

namespace meridian::bench {
namespace {

struct Pair;

struct End {
  int fd = -1;
  Pair* pair = nullptr;
  std::string backlog;  // what this end had no room for
};

struct Pair {
  End client;
  End origin;
  bool over = false;
};

class Relay {
 public:
  Relay(std::uint16_t origin_port, int listen_fd)
      : origin_port_(origin_port), listen_fd_(listen_fd), epoll_fd_(epoll_create1(EPOLL_CLOEXEC)) {}

  [[noreturn]] void run() {
    serve_for_ever(
        epoll_fd_, listen_fd_, [this](int fd) { accept(fd); },
        [this](void* data, std::uint32_t events) { serve(*static_cast<End*>(data), events); },
        [this] { bury(); });
  }

 private:
  void accept(int fd) const {
    auto* pair = new Pair;
    pair->client.fd = fd;
    pair->client.pair = pair->origin.pair = pair;
    pair->origin.fd = connect_blocking(origin_port_);
    watch(epoll_fd_, EPOLL_CTL_ADD, fd, EPOLLIN, &pair->client);
    watch(epoll_fd_, EPOLL_CTL_ADD, pair->origin.fd, EPOLLIN, &pair->origin);
  }

  void serve(End& end, std::uint32_t events) {
    Pair& pair = *end.pair;
    if (pair.over) return;
    End& other = &end == &pair.client ? pair.origin : pair.client;
    const bool alive = (events & EPOLLOUT) != 0 ? write_backlog(end, other) : move(end, other);
    if (alive) return;
    // The other end may have an event in this very batch; the pair is freed after it.
    pair.over = true;
    dead_.push_back(&pair);
  }

  bool move(End& from, End& to) {
    const ssize_t got = recv(from.fd, buffer_.data(), buffer_.size(), 0);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    const ssize_t wrote = send(to.fd, buffer_.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL);
    if (wrote == got) return true;
    if (wrote < 0 && errno != EAGAIN) return false;
    const std::size_t done = wrote > 0 ? static_cast<std::size_t>(wrote) : 0;
    to.backlog.assign(buffer_.data() + done, static_cast<std::size_t>(got) - done);
    watch(epoll_fd_, EPOLL_CTL_MOD, to.fd, EPOLLOUT, &to);
    watch(epoll_fd_, EPOLL_CTL_MOD, from.fd, 0, &from);
    return true;
  }

  bool write_backlog(End& to, End& from) {
    const ssize_t wrote = send(to.fd, to.backlog.data(), to.backlog.size(), MSG_NOSIGNAL);
    if (wrote < 0) return errno == EAGAIN;
    to.backlog.erase(0, static_cast<std::size_t>(wrote));
    if (!to.backlog.empty()) return true;
    watch(epoll_fd_, EPOLL_CTL_MOD, to.fd, EPOLLIN, &to);
    watch(epoll_fd_, EPOLL_CTL_MOD, from.fd, EPOLLIN, &from);
    return true;
  }

  void bury() {
    for (Pair* pair : dead_) {
      close(pair->client.fd);
      close(pair->origin.fd);
      delete pair;
    }
    dead_.clear();
  }

  const std::uint16_t origin_port_;
  const int listen_fd_;
  const int epoll_fd_;
  std::vector<Pair*> dead_;
  std::array<char, 65536> buffer_;
};

}  // namespace
}  // namespace meridian::bench

int main(int argc, char** argv) {
  using namespace meridian::bench;
  const auto origin = static_cast<std::uint16_t>(option_number(argc, argv, "--origin", 0));
  Relay(origin, listen_and_announce()).run();
}
