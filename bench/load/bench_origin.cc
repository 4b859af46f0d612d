// The origin of the benches: answers from memory on one core, with everything that a cache needs to know.
//
//   /b/SIZE-ID     cacheable, SIZE bytes; "-ID", which tells objects of one size apart, may be left out
//   /z/ID          cacheable, 1 to 32 KiB by ID
//   /m/ID          cacheable, 1 KiB
//   /nostore/SIZE  not to be stored, SIZE bytes
//   /requests      how many of the above were asked for so far: bench/run tells hits from misses by it
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>

#include "bench/limit/loopback.h"

namespace meridian::bench {
namespace {

constexpr std::size_t kLargestBody = std::size_t{16} << 20U;

// A multiplicative hash spreads neighbouring ids over the sizes, so that popularity and size are independent.
std::size_t zipf_body_bytes(std::uint64_t id) {
  const std::uint64_t mixed = (id + 1) * 0x9E3779B97F4A7C15ULL;
  return 1024 + (mixed >> 40U) % (31 * 1024 + 1);
}

struct Connection {
  int fd = -1;
  std::size_t filled = 0;
  bool waits_for_room = false;
  std::string head;  // of the response under way
  std::size_t body_bytes = 0;
  std::size_t sent = 0;
  std::array<char, 16384> buffer;
};

class Origin {
 public:
  explicit Origin(int listen_fd)
      : body_(kLargestBody, 'o'), listen_fd_(listen_fd), epoll_fd_(epoll_create1(EPOLL_CLOEXEC)) {
    watch(epoll_fd_, EPOLL_CTL_ADD, listen_fd_, EPOLLIN, nullptr);
    date_ = http_date(std::time(nullptr));
    last_modified_ = http_date(std::time(nullptr) - 86400);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events;
    for (;;) {
      const int ready = epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()), -1);
      date_ = http_date(std::time(nullptr));
      for (int i = 0; i < ready; ++i) {
        auto* connection = static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (connection == nullptr) {
          accept_all();
        } else if (!serve(*connection, events[static_cast<std::size_t>(i)].events)) {
          close(connection->fd);
          delete connection;
        }
      }
    }
  }

 private:
  static std::string http_date(std::time_t at) {
    std::array<char, 64> text{};
    std::tm parts{};
    gmtime_r(&at, &parts);
    const std::size_t size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return {text.data(), size};
  }

  void accept_all() {
    for (int fd = accept_one(listen_fd_); fd >= 0; fd = accept_one(listen_fd_)) {
      auto* connection = new Connection;
      connection->fd = fd;
      watch(epoll_fd_, EPOLL_CTL_ADD, fd, EPOLLIN, connection);
    }
  }

  bool serve(Connection& connection, std::uint32_t events) {
    if ((events & EPOLLOUT) != 0 && !write_rest(connection)) return false;
    if (!connection.head.empty()) return true;
    const ssize_t got = recv(connection.fd, connection.buffer.data() + connection.filled,
                             connection.buffer.size() - connection.filled, 0);
    if (got <= 0) return got < 0 && errno == EAGAIN;
    connection.filled += static_cast<std::size_t>(got);
    return answer_all(connection);
  }

  bool answer_all(Connection& connection) {
    while (connection.head.empty()) {
      const std::string_view text(connection.buffer.data(), connection.filled);
      const std::size_t end = text.find("\r\n\r\n");
      if (end == std::string_view::npos) return connection.filled < connection.buffer.size();
      answer(connection, text.substr(0, end));
      const std::string_view rest = text.substr(end + 4);
      rest.copy(connection.buffer.data(), rest.size());
      connection.filled = rest.size();
      if (!write_rest(connection)) return false;
    }
    return true;
  }

  // The target is all that counts. A proxy may send it in absolute form; then the path follows the authority.
  void answer(Connection& connection, std::string_view request) {
    std::string_view target = request.substr(0, request.find("\r\n"));
    target.remove_prefix(std::min(target.size(), target.find(' ') + 1));
    target = target.substr(0, target.find(' '));
    if (target.starts_with("http://")) target.remove_prefix(std::min(target.size(), target.find('/', 7)));
    if (target == "/requests") {
      const std::string count = std::to_string(requests_);
      connection.head = "HTTP/1.1 200 OK\r\nX-Requests: " + count + "\r\nContent-Length: 0\r\n\r\n";
      connection.body_bytes = 0;
      return;
    }
    ++requests_;
    begin(connection, target, request.starts_with("HEAD"));
  }

  void begin(Connection& connection, std::string_view target, bool head_only) {
    const std::size_t slash = target.find('/', 1);
    const std::string number(slash == std::string_view::npos ? "" : target.substr(slash + 1));
    const std::uint64_t value = std::strtoull(number.c_str(), nullptr, 10);
    std::size_t body_bytes = 0;
    bool found = true;
    bool store = true;
    if (target.starts_with("/b/")) {
      body_bytes = value;
    } else if (target.starts_with("/z/")) {
      body_bytes = zipf_body_bytes(value);
    } else if (target.starts_with("/m/")) {
      body_bytes = 1024;
    } else if (target.starts_with("/nostore/")) {
      body_bytes = value;
      store = false;
    } else {
      found = false;
    }
    body_bytes = std::min(body_bytes, kLargestBody);
    std::string& head = connection.head;
    head = found ? "HTTP/1.1 200 OK\r\nDate: " : "HTTP/1.1 404 Not Found\r\nDate: ";
    head += date_;
    head += "\r\nContent-Type: application/octet-stream\r\nLast-Modified: ";
    head += last_modified_;
    head += "\r\nETag: \"" + number + "\"\r\nCache-Control: ";
    head += store ? "public, max-age=86400" : "no-store";
    head += "\r\nContent-Length: " + std::to_string(body_bytes) + "\r\n\r\n";
    connection.body_bytes = head_only ? 0 : body_bytes;
  }

  bool write_rest(Connection& connection) {
    const std::size_t whole = connection.head.size() + connection.body_bytes;
    while (connection.sent < whole) {
      std::array<iovec, 2> parts{};
      int count = 0;
      if (connection.sent < connection.head.size()) {
        parts[static_cast<std::size_t>(count++)] = {connection.head.data() + connection.sent,
                                                    connection.head.size() - connection.sent};
      }
      const std::size_t of_body =
          connection.sent > connection.head.size() ? connection.sent - connection.head.size() : 0;
      parts[static_cast<std::size_t>(count++)] = {body_.data() + of_body, connection.body_bytes - of_body};
      const ssize_t wrote = writev(connection.fd, parts.data(), count);
      if (wrote < 0 && errno == EAGAIN) return wait_for_room(connection, true);
      if (wrote < 0) return false;
      connection.sent += static_cast<std::size_t>(wrote);
    }
    connection.head.clear();
    connection.sent = 0;
    return wait_for_room(connection, false);
  }

  bool wait_for_room(Connection& connection, bool wait) const {
    if (connection.waits_for_room != wait) {
      connection.waits_for_room = wait;
      watch(epoll_fd_, EPOLL_CTL_MOD, connection.fd, wait ? EPOLLOUT : EPOLLIN, &connection);
    }
    return true;
  }

  std::string body_;
  const int listen_fd_;
  const int epoll_fd_;
  std::string date_;
  std::string last_modified_;
  std::uint64_t requests_ = 0;
};

}  // namespace
}  // namespace meridian::bench

int main() { meridian::bench::Origin(meridian::bench::listen_and_announce()).run(); }
