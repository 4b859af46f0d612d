#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

struct memcached_st;

namespace meridian::memcached {

// A server as the configuration names it.
struct ServerAddress {
  std::string host;
  std::uint16_t port = 11211;
  unsigned weight = 1;
  std::string name() const;  // "host:port", in brackets when the host is an IPv6 address
};

// Which server has a key: libmemcached's weighted ketama, so that every edge, and every other client of that
// library with the same list, agrees. Immutable: any thread.
//
// The library is used for this only. It speaks to servers by blocking calls that a frozen server holds for
// the whole timeout, it never leaves such a server out, and its reader of replies (1.1.4) trusts lengths: a
// server that says "VALUE k 0 18446744073709551614" ends the process, and so does a long key. The edge has a
// reader of its own (reply.h), so that a server that lies costs a miss.
class Placement {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Placement>> create(std::span<const ServerAddress> servers);
  ~Placement();
  Placement(const Placement&) = delete;
  Placement& operator=(const Placement&) = delete;

  // An index into the servers.
  std::size_t server_of(std::string_view wire_key) const;

 private:
  explicit Placement(memcached_st* handle) : handle_(handle) {}
  memcached_st* handle_;
};

}  // namespace meridian::memcached
