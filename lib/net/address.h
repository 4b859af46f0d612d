#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace meridian {

// An IPv4 or IPv6 address and port.
class SocketAddress {
 public:
  SocketAddress() = default;
  // "127.0.0.1:80", "[::1]:80", ":80" (any address), no names.
  [[nodiscard]] static Result<SocketAddress> parse(std::string_view text);
  // An address from the system; not valid() when it is of another family.
  static SocketAddress from(const sockaddr* address, socklen_t length);
  // An address without a name or port: "127.0.0.1", "::1".
  [[nodiscard]] static Result<SocketAddress> from_ip(std::string_view ip, std::uint16_t port);

  const sockaddr* raw() const { return &storage_.any; }
  socklen_t raw_size() const { return size_; }
  int family() const { return storage_.any.sa_family; }
  std::uint16_t port() const;
  void set_port(std::uint16_t port);
  std::string ip() const;         // "127.0.0.1", "::1"
  std::string to_string() const;  // as parse() takes it
  bool valid() const { return size_ != 0; }
  bool is_any() const;  // 0.0.0.0 or ::
  bool operator==(const SocketAddress& other) const;

 private:
  union Storage {
    sockaddr_in6 v6;
    sockaddr_in v4;
    sockaddr any;
  };
  Storage storage_{};
  socklen_t size_ = 0;
};

// "10.0.0.0/8", "::1", "2001:db8::/32": a list of these says whom a header is trusted from. IPv4-mapped IPv6
// addresses match their IPv4 networks, and IPv4 addresses no IPv6 network.
class Cidr {
 public:
  [[nodiscard]] static Result<Cidr> parse(std::string_view text);
  bool contains(const SocketAddress& address) const;

 private:
  unsigned char bytes_[16] = {};  // IPv4 as ::ffff:a.b.c.d
  int prefix_bits_ = 0;           // of 128
};

}  // namespace meridian
