#pragma once

#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <optional>

#include "lib/base/clock.h"
#include "lib/base/mutex.h"

namespace meridian {

// The keys that seal the session tickets of one listener (RFC 5077 section 4, as OpenSSL has it for TLS 1.3
// too). From any thread: the lock is held for a copy of the key.
class TicketKeys {
 public:
  TicketKeys(const Clock& clock, std::int64_t life_ms);
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  // Makes `context` seal its tickets with these keys, which must outlive it and its connections.
  void install(SSL_CTX* context);

 private:
  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> cipher;
    std::array<unsigned char, 32> mac;
    std::int64_t born_ms;
  };
  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* mac, int sealing);
  static bool fresh_key(Key& key, std::int64_t now_ms);
  int seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac);
  int open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac);
  std::optional<Key> current();
  std::optional<Key> find(const unsigned char* name);

  const Clock& clock_;
  const std::int64_t life_ms_;
  EVP_CIPHER* const aes_;  // fetched once: a fetch by name at each ticket costs a search
  Mutex mutex_;
  std::optional<Key> current_ GUARDED_BY(mutex_);
  std::optional<Key> previous_ GUARDED_BY(mutex_);
};

}  // namespace meridian
