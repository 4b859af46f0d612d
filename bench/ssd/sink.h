#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <thread>
#include <vector>

// The other end of what is sent: a loopback connection whose bytes a thread throws away.
namespace meridian::bench {

class Sink {
 public:
  Sink() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener, plain, size) != 0 || ::listen(listener, 1) != 0) std::abort();
    if (::getsockname(listener, plain, &size) != 0) std::abort();
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int buffer = 4 << 20;
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    if (::connect(fd_, plain, size) != 0) std::abort();
    const int other = ::accept(listener, nullptr, nullptr);
    ::close(listener);
    thread_ = std::thread([other] {
      std::vector<char> room(1 << 20);
      // MSG_TRUNC: the bytes are dropped in the kernel.
      while (::recv(other, room.data(), room.size(), MSG_TRUNC) > 0) continue;
      ::close(other);
    });
  }
  ~Sink() {
    ::close(fd_);
    thread_.join();
  }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  void send(const char* bytes, std::size_t size) const {
    while (size > 0) {
      const ssize_t sent = ::send(fd_, bytes, size, MSG_NOSIGNAL);
      if (sent <= 0) std::abort();
      bytes += sent, size -= static_cast<std::size_t>(sent);
    }
  }

 private:
  int fd_ = -1;
  std::thread thread_;
};

}  // namespace meridian::bench
