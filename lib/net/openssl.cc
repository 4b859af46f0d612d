#include "lib/net/openssl.h"

#include <openssl/err.h>
#include <openssl/x509err.h>

#include <cstring>

namespace meridian {
namespace {

// AEAD with forward secrecy only (RFC 9325 section 4.2). AES-128 first: as safe here, and faster than
// AES-256; a client that puts ChaCha20 first (no AES in its hardware) gets it.
constexpr const char* kTls12Ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kTls13Ciphers =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";

// A key file with a passphrase would make OpenSSL ask on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

}  // namespace

std::string take_openssl_words() {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  if (error == 0) return "unknown cause";
  if (ERR_SYSTEM_ERROR(error)) return std::strerror(ERR_GET_REASON(error));
  const char* reason = ERR_reason_error_string(error);
  return reason != nullptr ? reason : "unknown cause";
}

Failure tls_failure(std::string what, ErrorSource source) {
  return fail(ErrorCode::kTls, source, std::move(what) + ": " + take_openssl_words());
}

Result<void> set_common_options(SSL_CTX* context, const std::string& min_version) {
  if (min_version != "1.2" && min_version != "1.3") {
    return fail(ErrorCode::kInvalid, ErrorSource::kOperator,
                "the TLS version \"" + min_version + "\" is not known: expected 1.2 or 1.3");
  }
  SSL_CTX_set_min_proto_version(context, min_version == "1.3" ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  // A partial write tells what was taken; the buffer may move because bodies are queued by reference; idle
  // connections give their 16 KiB buffers back. Reading ahead takes the header and the body of a record in
  // one system call.
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  if (SSL_CTX_set_cipher_list(context, kTls12Ciphers) != 1 ||
      SSL_CTX_set_ciphersuites(context, kTls13Ciphers) != 1 ||
      SSL_CTX_set1_groups_list(context, kGroups) != 1) {
    return tls_failure("cannot set the TLS ciphers", ErrorSource::kEdge);
  }
  return {};
}

Result<void> load_certificate(SSL_CTX* context, const std::string& certificate_file,
                              const std::string& key_file) {
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1) {
    return tls_failure("cannot use the certificate in " + certificate_file);
  }
  if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    const unsigned long error = ERR_peek_last_error();
    if (ERR_GET_LIB(error) == ERR_LIB_X509 && ERR_GET_REASON(error) == X509_R_KEY_VALUES_MISMATCH) {
      ERR_clear_error();
      return fail(ErrorCode::kTls, ErrorSource::kOperator,
                  "the key in " + key_file + " does not belong to the certificate in " + certificate_file);
    }
    return tls_failure("cannot use the key in " + key_file);
  }
  ERR_clear_error();
  return {};
}

Result<std::vector<unsigned char>> alpn_wire_form(const std::vector<std::string>& names) {
  constexpr std::size_t kLongestName = 255;
  std::vector<unsigned char> wire;
  for (const std::string& name : names) {
    if (name.empty() || name.size() > kLongestName) {
      return fail(ErrorCode::kInvalid, ErrorSource::kOperator, "an ALPN name has 1 to 255 bytes");
    }
    wire.push_back(static_cast<unsigned char>(name.size()));
    wire.insert(wire.end(), name.begin(), name.end());
  }
  return wire;
}

}  // namespace meridian
