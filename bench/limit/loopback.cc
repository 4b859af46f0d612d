#include "bench/limit/loopback.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace meridian::bench {
namespace {

sockaddr_in loopback_address(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void no_delay(int fd) {
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

}  // namespace

std::string option(int argc, char** argv, std::string_view name, std::string_view otherwise) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (name == argv[i]) return argv[i + 1];
  }
  return std::string(otherwise);
}

std::uint64_t option_number(int argc, char** argv, std::string_view name, std::uint64_t otherwise) {
  const std::string text = option(argc, argv, name, "");
  return text.empty() ? otherwise : std::strtoull(text.c_str(), nullptr, 10);
}

void fail(const char* what) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

int listen_and_announce() {
  // A peer that goes away is an error of write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback_address(0);
  socklen_t size = sizeof address;
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0) fail("bind");
  if (listen(fd, 4096) != 0) fail("listen");
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) fail("getsockname");
  std::printf("port %d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return fd;
}

int connect_blocking(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback_address(port);
  if (fd < 0 || connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail("connect");
  no_delay(fd);
  if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) fail("fcntl");
  return fd;
}

int connect_later(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback_address(port);
  if (fd < 0) fail("socket");
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS) {
    fail("connect");
  }
  no_delay(fd);
  return fd;
}

int accept_one(int listen_fd) {
  const int fd = accept4(listen_fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) no_delay(fd);
  return fd;
}

void watch(int epoll_fd, int op, int fd, std::uint32_t events, void* data) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = data;
  if (epoll_ctl(epoll_fd, op, fd, &event) != 0) fail("epoll_ctl");
}

bool HeadReader::read(int fd) {
  const ssize_t got = recv(fd, buffer.data() + filled, buffer.size() - filled, 0);
  if (got <= 0) return got < 0 && errno == EAGAIN;
  filled += static_cast<std::size_t>(got);
  std::string_view rest(buffer.data(), filled);
  for (std::size_t end = rest.find("\r\n\r\n"); end != std::string_view::npos; end = rest.find("\r\n\r\n")) {
    ++owed;
    rest.remove_prefix(end + 4);
  }
  rest.copy(buffer.data(), rest.size());
  filled = rest.size();
  return true;
}

ssize_t write_behind(int fd, std::string_view head, std::string_view body, std::size_t sent) {
  std::array<iovec, 2> parts{};
  int count = 0;
  if (sent < head.size())
    parts[static_cast<std::size_t>(count++)] = {const_cast<char*>(head.data()) + sent, head.size() - sent};
  const std::size_t of_body = sent > head.size() ? sent - head.size() : 0;
  parts[static_cast<std::size_t>(count++)] = {const_cast<char*>(body.data()) + of_body,
                                              body.size() - of_body};
  return writev(fd, parts.data(), count);
}

std::string cached_response_head(std::size_t body_bytes, bool keep_alive) {
  std::string head =
      "HTTP/1.1 200 OK\r\nDate: Sat, 01 Jan 2022 00:00:00 GMT\r\nContent-Type: application/octet-stream\r\n"
      "Cache-Control: public, max-age=86400\r\nLast-Modified: Sat, 01 Jan 2022 00:00:00 GMT\r\nETag: "
      "\"b-1024\"\r\n"
      "Content-Length: ";
  head += std::to_string(body_bytes);
  head += "\r\nAge: 10\r\nCache-Status: meridian; hit; ttl=86390\r\nVia: 1.1 meridian\r\n";
  head += keep_alive ? "\r\n" : "Connection: close\r\n\r\n";
  return head;
}

}  // namespace meridian::bench
