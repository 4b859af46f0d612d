#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/net/event_loop.h"
#include "lib/net/stream.h"
#include "lib/net/tls.h"

namespace meridian {

// A running attempt; destroying it cancels it, and the callback is not called.
class Operation {
 public:
  virtual ~Operation() = default;
};

struct ConnectOptions {
  std::int64_t timeout_ms = 3000;         // TCP and TLS handshake together
  std::shared_ptr<TlsClientContext> tls;  // nullptr: plain TCP
  std::string server_name;                // SNI and the name to verify
  // The address to connect from, where it is known by it and has several; its port does not count. One that
  // this machine does not have (any more) leaves the choice to the kernel.
  SocketAddress source = {};
};

// Connects (and completes the TLS handshake) and calls back once, never inside connect() itself.
[[nodiscard]] std::unique_ptr<Operation> connect(EventLoop& loop, const SocketAddress& address,
                                                 const ConnectOptions& options,
                                                 std::function<void(Result<std::unique_ptr<Stream>>)> done);

// Names to addresses without blocking, on one loop (libevent's evdns; the hosts file and resolv.conf are
// read, and "localhost" needs neither). Answers are kept for their TTL within [min, max], failures for a
// second; concurrent questions for one name share a query. IPv4 addresses come first. An IP literal is
// answered as itself.
//
// The last good answer outlives its TTL, so that origins can be reached while DNS is down (RFC 8767): when
// asking again gets no answer, or none within kStaleAfterMs, the old addresses are given, for kMostStaleMs at
// most. An answer that the name is gone counts as an answer.
class Resolver {
 public:
  struct Options {
    std::int64_t min_ttl_ms = 1000;
    std::int64_t max_ttl_ms = 300'000;
    std::int64_t timeout_ms = 3000;
    std::string nameserver;  // "ip:port"; empty: resolv.conf
    std::string hosts_file = "/etc/hosts";
  };
  static constexpr std::int64_t kStaleAfterMs = 500;
  static constexpr std::int64_t kMostStaleMs = 3 * 86'400'000;
  static constexpr std::int64_t kFailureTtlMs = 1000;
  // Names that are kept.
  static constexpr std::size_t kNames = 1024;

  using Done = std::function<void(Result<std::vector<SocketAddress>>)>;
  static std::unique_ptr<Resolver> create(EventLoop& loop, const Options& options);
  virtual ~Resolver() = default;
  // `done` may be called inside resolve() when the answer is known; then the operation is nullptr.
  [[nodiscard]] virtual std::unique_ptr<Operation> resolve(const std::string& host, std::uint16_t port,
                                                           Done done) = 0;
};

}  // namespace meridian
