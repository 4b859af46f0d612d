#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/net/address.h"

// The kinds of value that a parameter can have. Each names the C++ type that holds it; how it is read from
// the file, what is allowed and how it is shown is config/parse.h's business.
namespace meridian::config {

// "www.example.test", "*.example.test" (any name below example.test, at any depth) or "*".
struct HostPattern {
  enum class Kind : std::uint8_t { kExact, kWildcard, kAny } kind = Kind::kExact;
  std::string name;  // lower case; of a wildcard what follows "*.", of any ""
  bool operator==(const HostPattern&) const = default;
};

// How long a response of this status is fresh when it does not say so itself.
struct StatusTtl {
  int status = 0;
  std::uint32_t ttl_s = 0;
  bool operator==(const StatusTtl&) const = default;
};

// "host:port" or "host:port/weight".
struct WeightedServer {
  std::string host;
  std::uint16_t port = 0;
  unsigned weight = 1;
  bool operator==(const WeightedServer&) const = default;
};

struct Bytes {  // 256MiB, 16KiB, 4096
  using Value = std::uint64_t;
};
struct Milliseconds {  // 500ms, 30s, 5m
  using Value = std::int64_t;
};
struct Seconds {  // 30s, 5m, 1d: whole seconds
  using Value = std::uint32_t;
};
struct Count {
  using Value = unsigned;
};
struct Share {  // 0.2
  using Value = double;
};
struct Flag {  // true, false, on, off, yes, no
  using Value = bool;
};
struct Text {
  using Value = std::string;
};
struct Token {  // an RFC 9110 token: a header name, a pseudonym
  using Value = std::string;
};
struct FilePath {  // relative to the folder of the configuration file
  using Value = std::string;
};
struct Address {  // 127.0.0.1:8080, [::1]:8080, :8080
  using Value = SocketAddress;
};
struct Url {  // http://host[:port] or https://host[:port], perhaps with a base path
  using Value = std::string;
};
struct Hosts {
  using Value = std::vector<HostPattern>;
};
struct Networks {  // 10.0.0.0/8, 2001:db8::/32, 192.0.2.1
  using Value = std::vector<Cidr>;
};
struct Tokens {
  using Value = std::vector<std::string>;
};
struct Texts {
  using Value = std::vector<std::string>;
};
struct Servers {  // 127.0.0.1:11211, cache.test:11211/3, [::1]:11211
  using Value = std::vector<WeightedServer>;
};
struct StatusTtls {  // { 404: 10s, 301: 1h }
  using Value = std::vector<StatusTtl>;
};
// One of a few words; `names_of(E)` gives the words in the order of the enumeration.
template <class E>
struct Choice {
  using Value = E;
};

}  // namespace meridian::config
