#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"

struct ssl_st;

namespace meridian {

struct TlsServerOptions {
  std::string certificate_file;  // PEM chain
  std::string key_file;
  std::string min_version = "1.2";  // "1.2" or "1.3"
  std::vector<std::string> alpn = {"http/1.1"};
  // PEM; empty: clients show no certificate. Otherwise each must show one that is signed by one of these.
  std::string client_ca_file = {};
};

// Certificates and session tickets of one listener, shared by all workers. reload() swaps the certificate for
// new connections without dropping the others. Sessions are resumed by tickets alone (nothing is stored here
// for each client), sealed by keys that all workers share, that survive a reload, and that are replaced by
// the clock. From any thread. OpenSSL stays inside lib/net.
class TlsServerContext {
 public:
  // How long one ticket key seals new tickets; it opens them for as long again.
  static constexpr std::int64_t kTicketKeyLifeMs = 6 * 3'600'000;

  // Errors name the file. A key that needs a passphrase is refused.
  [[nodiscard]] static Result<std::shared_ptr<TlsServerContext>> create(const TlsServerOptions& options,
                                                                        const Clock& clock = system_clock());
  virtual ~TlsServerContext() = default;
  // Reads the files again. On failure the old certificate stays.
  [[nodiscard]] virtual Result<void> reload() = 0;
  // For lib/net: a connection's state, to be freed by the caller. The context must outlive it. Nullptr: out
  // of memory.
  virtual ssl_st* new_connection() = 0;

  // Handshakes on all workers since the context was made.
  struct Handshakes {
    std::atomic<std::uint64_t> full{0}, resumed{0}, failed{0};
  };
  Handshakes& handshakes() { return handshakes_; }

 private:
  Handshakes handshakes_;
};

struct TlsClientOptions {
  bool verify = true;
  std::string ca_file;           // empty: the system's
  std::string certificate_file;  // client certificate, optional
  std::string key_file;
  std::vector<std::string> alpn = {"http/1.1"};
};

// What connections to origins share: whom to trust, the client certificate, and the latest session of each
// server name, so that the next handshake is short. From any thread.
class TlsClientContext {
 public:
  // Server names whose sessions are kept; the oldest goes first.
  static constexpr std::size_t kSessions = 1024;

  [[nodiscard]] static Result<std::shared_ptr<TlsClientContext>> create(const TlsClientOptions& options);
  virtual ~TlsClientContext() = default;
  // For lib/net, as TlsServerContext's. `server_name`: a DNS name (sent as SNI, RFC 6066 section 3) or an IP
  // address; what the certificate is held against.
  virtual ssl_st* new_connection(const std::string& server_name) = 0;
};

}  // namespace meridian
