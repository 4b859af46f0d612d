#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "lib/base/result.h"

// What the TLS files share: owners of OpenSSL's objects, its errors in words, and what both sides of TLS are
// set to.
namespace meridian {

struct SslDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using SslPtr = std::unique_ptr<SSL, SslDeleter>;
using SslContextPtr = std::unique_ptr<SSL_CTX, SslDeleter>;
using SslSessionPtr = std::unique_ptr<SSL_SESSION, SslDeleter>;

// Takes the first error of this thread's queue in words, and empties the queue.
std::string take_openssl_words();

// The cause is in this thread's error queue.
Failure tls_failure(std::string what, ErrorSource source = ErrorSource::kOperator);

// Protocols, ciphers, groups and modes. `min_version` is "1.2" or "1.3".
[[nodiscard]] Result<void> set_common_options(SSL_CTX* context, const std::string& min_version);

// A PEM chain and its key.
[[nodiscard]] Result<void> load_certificate(SSL_CTX* context, const std::string& certificate_file,
                                            const std::string& key_file);

// Protocol names as they stand on the wire (RFC 7301 section 3.1).
[[nodiscard]] Result<std::vector<unsigned char>> alpn_wire_form(const std::vector<std::string>& names);

}  // namespace meridian
