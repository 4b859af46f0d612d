#include "lib/net/address.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cstring>

namespace meridian {
namespace {

Failure bad_address(std::string_view text, std::string_view why) {
  return fail(ErrorCode::kInvalid, ErrorSource::kOperator,
              "\"" + std::string(text) + "\" is no address: " + std::string(why));
}

// Digits only: no sign, no space, no surplus.
bool parse_number(std::string_view text, unsigned limit, unsigned& value) {
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stopped == end && value <= limit;
}

}  // namespace

Result<SocketAddress> SocketAddress::from_ip(std::string_view ip, std::uint16_t port) {
  SocketAddress address;
  const std::string terminated(ip);
  if (inet_pton(AF_INET, terminated.c_str(), &address.storage_.v4.sin_addr) == 1) {
    address.storage_.v4.sin_family = AF_INET;
    address.size_ = sizeof(sockaddr_in);
  } else if (inet_pton(AF_INET6, terminated.c_str(), &address.storage_.v6.sin6_addr) == 1) {
    address.storage_.v6.sin6_family = AF_INET6;
    address.size_ = sizeof(sockaddr_in6);
  } else {
    return bad_address(ip, "expected an IPv4 or IPv6 address");
  }
  address.set_port(port);
  return address;
}

Result<SocketAddress> SocketAddress::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad_address(text, "the port is missing");
  unsigned port = 0;
  if (!parse_number(text.substr(colon + 1), 65535, port))
    return bad_address(text, "the port is no number up to 65535");
  std::string_view ip = text.substr(0, colon);
  if (ip.empty()) ip = "0.0.0.0";
  const bool bracketed = ip.size() >= 2 && ip.front() == '[' && ip.back() == ']';
  if (bracketed) ip = ip.substr(1, ip.size() - 2);
  if (bracketed != (ip.find(':') != std::string_view::npos)) {
    return bad_address(text, "an IPv6 address stands in brackets: [::1]:80");
  }
  Result<SocketAddress> address = from_ip(ip, static_cast<std::uint16_t>(port));
  if (!address)
    return bad_address(text, "expected an IPv4 address, or an IPv6 address in brackets, and a port");
  return address;
}

SocketAddress SocketAddress::from(const sockaddr* raw, socklen_t length) {
  SocketAddress address;
  if (raw->sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
    std::memcpy(&address.storage_.v4, raw, sizeof(sockaddr_in));
    address.size_ = sizeof(sockaddr_in);
  } else if (raw->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    std::memcpy(&address.storage_.v6, raw, sizeof(sockaddr_in6));
    address.size_ = sizeof(sockaddr_in6);
  }
  return address;
}

// sockaddr_in and sockaddr_in6 have the port in the same place.
std::uint16_t SocketAddress::port() const { return ntohs(storage_.v4.sin_port); }

void SocketAddress::set_port(std::uint16_t port) { storage_.v4.sin_port = htons(port); }

namespace {

// Every request that goes to an origin carries one of these, and inet_ntop goes through printf for it.
std::string v4_text(const in_addr& address) {
  std::array<char, INET_ADDRSTRLEN> text;
  char* to = text.data();
  for (unsigned shift = 32; shift > 0; shift -= 8) {
    if (shift < 32) *to++ = '.';
    to = std::to_chars(to, text.data() + text.size(), ntohl(address.s_addr) >> (shift - 8) & 0xffU).ptr;
  }
  return {text.data(), to};
}

}  // namespace

std::string SocketAddress::ip() const {
  if (!valid()) return {};
  if (family() == AF_INET) return v4_text(storage_.v4.sin_addr);
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(AF_INET6, &storage_.v6.sin6_addr, text, sizeof text);
}

std::string SocketAddress::to_string() const {
  if (!valid()) return {};
  const std::string port_text = std::to_string(port());
  return family() == AF_INET ? ip() + ":" + port_text : "[" + ip() + "]:" + port_text;
}

bool SocketAddress::is_any() const {
  if (family() == AF_INET) return storage_.v4.sin_addr.s_addr == htonl(INADDR_ANY);
  return family() == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&storage_.v6.sin6_addr);
}

bool SocketAddress::operator==(const SocketAddress& other) const {
  if (size_ != other.size_ || family() != other.family() || port() != other.port()) return false;
  if (family() == AF_INET) return storage_.v4.sin_addr.s_addr == other.storage_.v4.sin_addr.s_addr;
  return std::memcmp(&storage_.v6.sin6_addr, &other.storage_.v6.sin6_addr, sizeof(in6_addr)) == 0 &&
         storage_.v6.sin6_scope_id == other.storage_.v6.sin6_scope_id;
}

namespace {

constexpr unsigned char kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

void put_v4(const in_addr& address, unsigned char (&bytes)[16]) {
  std::memcpy(bytes, kMappedPrefix, sizeof kMappedPrefix);
  std::memcpy(bytes + sizeof kMappedPrefix, &address, sizeof address);
}

// The first `bits` bits are the same.
bool same_prefix(const unsigned char* a, const unsigned char* b, int bits) {
  const auto whole = static_cast<std::size_t>(bits / 8);
  if (std::memcmp(a, b, whole) != 0) return false;
  if (bits % 8 == 0) return true;
  const auto mask = static_cast<unsigned char>(0xff << (8 - bits % 8));
  return ((a[whole] ^ b[whole]) & mask) == 0;
}

}  // namespace

Result<Cidr> Cidr::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const Result<SocketAddress> address = SocketAddress::from_ip(text.substr(0, slash), 0);
  if (!address) return bad_address(text, "expected a network such as 10.0.0.0/8 or 2001:db8::/32");
  const bool v4 = address->family() == AF_INET;
  unsigned bits = v4 ? 32 : 128;
  if (slash != std::string_view::npos && !parse_number(text.substr(slash + 1), bits, bits)) {
    return bad_address(text, v4 ? "the prefix is no number up to 32" : "the prefix is no number up to 128");
  }
  Cidr cidr;
  if (v4) {
    put_v4(reinterpret_cast<const sockaddr_in*>(address->raw())->sin_addr, cidr.bytes_);
    bits += 8 * sizeof kMappedPrefix;
  } else {
    std::memcpy(cidr.bytes_, &reinterpret_cast<const sockaddr_in6*>(address->raw())->sin6_addr,
                sizeof cidr.bytes_);
  }
  cidr.prefix_bits_ = static_cast<int>(bits);
  return cidr;
}

bool Cidr::contains(const SocketAddress& address) const {
  unsigned char bytes[16];
  if (address.family() == AF_INET) {
    put_v4(reinterpret_cast<const sockaddr_in*>(address.raw())->sin_addr, bytes);
  } else if (address.family() == AF_INET6) {
    std::memcpy(bytes, &reinterpret_cast<const sockaddr_in6*>(address.raw())->sin6_addr, sizeof bytes);
  } else {
    return false;
  }
  // A short IPv6 prefix such as ::/0 means IPv6 only, though the mapped addresses lie in it by their bits.
  const bool v4 = std::memcmp(bytes, kMappedPrefix, sizeof kMappedPrefix) == 0;
  if (v4 && prefix_bits_ < static_cast<int>(8 * sizeof kMappedPrefix)) return false;
  return same_prefix(bytes, bytes_, prefix_bits_);
}

}  // namespace meridian
