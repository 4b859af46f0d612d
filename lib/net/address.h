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
  static SocketAddress from(const sockaddr* address, socklen_t length);

  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t raw_size() const { return size_; }
  int family() const { return storage_.ss_family; }
  std::uint16_t port() const;
  void set_port(std::uint16_t port);
  std::string ip() const;         // "127.0.0.1", "::1"
  std::string to_string() const;  // as parse() takes it
  bool valid() const { return size_ != 0; }
  bool operator==(const SocketAddress& other) const;

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

// "10.0.0.0/8", "::1", "2001:db8::/32": a list of these says whom a header is trusted from. IPv4-mapped IPv6
// addresses match their IPv4 networks.
class Cidr {
 public:
  [[nodiscard]] static Result<Cidr> parse(std::string_view text);
  bool contains(const SocketAddress& address) const;

 private:
  unsigned char bytes_[16] = {};  // IPv4 as ::ffff:a.b.c.d
  int prefix_bits_ = 0;           // of 128
};

}  // namespace meridian
