#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/base/result.h"

namespace meridian {

struct TlsServerOptions {
  std::string certificate_file;  // PEM chain
  std::string key_file;
  std::string min_version = "1.2";  // "1.2" or "1.3"
  std::vector<std::string> alpn = {"http/1.1"};
};

// Certificates and session tickets of one listener, shared by all workers. reload() swaps the certificate
// without dropping connections; ticket keys survive a reload. OpenSSL stays inside lib/net.
class TlsServerContext {
 public:
  [[nodiscard]] static Result<std::shared_ptr<TlsServerContext>> create(const TlsServerOptions& options);
  virtual ~TlsServerContext() = default;
  // Reads the files again. On failure the old certificate stays.
  [[nodiscard]] virtual Result<void> reload() = 0;
};

struct TlsClientOptions {
  bool verify = true;
  std::string ca_file;           // empty: the system's
  std::string certificate_file;  // client certificate, optional
  std::string key_file;
  std::vector<std::string> alpn = {"http/1.1"};
};

class TlsClientContext {
 public:
  [[nodiscard]] static Result<std::shared_ptr<TlsClientContext>> create(const TlsClientOptions& options);
  virtual ~TlsClientContext() = default;
};

}  // namespace meridian
