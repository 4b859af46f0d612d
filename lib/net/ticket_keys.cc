#include "lib/net/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>

#include "lib/base/check.h"

namespace meridian {
namespace {

constexpr int kIvBytes = 16;

// What the callback tells OpenSSL.
constexpr int kFailed = -1;
constexpr int kUnknownTicket = 0;  // a full handshake follows
constexpr int kGood = 1;
constexpr int kGoodButOld = 2;  // and the client gets a new ticket

bool set_mac_key(EVP_MAC_CTX* mac, unsigned char* key, std::size_t size) {
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key, size),
                               OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, params) == 1;
}

}  // namespace

TicketKeys::TicketKeys(const Clock& clock, std::int64_t life_ms)
    : clock_(clock), life_ms_(life_ms), aes_(EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr)) {
  CHECK(aes_ != nullptr);
}

TicketKeys::~TicketKeys() {
  MutexLock lock(mutex_);
  if (current_) OPENSSL_cleanse(&*current_, sizeof(Key));
  if (previous_) OPENSSL_cleanse(&*previous_, sizeof(Key));
  EVP_CIPHER_free(aes_);
}

void TicketKeys::install(SSL_CTX* context) {
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
  SSL_CTX_set_timeout(context, static_cast<long>(life_ms_ / 1000));
}

int TicketKeys::on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                          EVP_MAC_CTX* mac, int sealing) {
  auto* keys = static_cast<TicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  if (sealing == 1) return keys->seal(name, iv, cipher, mac);
  const int opened = keys->open(name, iv, cipher, mac);
  // Clients of TLS 1.3 use a ticket once (RFC 8446 appendix C.4): without a new one the next handshake would
  // be full.
  return opened == kGood && SSL_version(ssl) == TLS1_3_VERSION ? kGoodButOld : opened;
}

bool TicketKeys::fresh_key(Key& key, std::int64_t now_ms) {
  key.born_ms = now_ms;
  return RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) == 1 &&
         RAND_priv_bytes(key.cipher.data(), static_cast<int>(key.cipher.size())) == 1 &&
         RAND_priv_bytes(key.mac.data(), static_cast<int>(key.mac.size())) == 1;
}

std::optional<TicketKeys::Key> TicketKeys::current() {
  const std::int64_t now_ms = clock_.mono_ms();
  MutexLock lock(mutex_);
  if (!current_ || now_ms - current_->born_ms >= life_ms_) {
    Key key;
    if (!fresh_key(key, now_ms)) return std::nullopt;
    previous_ = current_;
    current_ = key;
  }
  return current_;
}

std::optional<TicketKeys::Key> TicketKeys::find(const unsigned char* name) {
  const std::int64_t now_ms = clock_.mono_ms();
  const auto fits = [&](const std::optional<Key>& key) {
    return key && now_ms - key->born_ms < 2 * life_ms_ &&
           std::equal(key->name.begin(), key->name.end(), name);
  };
  MutexLock lock(mutex_);
  if (fits(current_)) return current_;
  if (fits(previous_)) return previous_;
  return std::nullopt;
}

int TicketKeys::seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) {
  std::optional<Key> key = current();
  if (!key || RAND_bytes(iv, kIvBytes) != 1) return kFailed;
  std::copy(key->name.begin(), key->name.end(), name);
  const bool set = EVP_EncryptInit_ex(cipher, aes_, nullptr, key->cipher.data(), iv) == 1 &&
                   set_mac_key(mac, key->mac.data(), key->mac.size());
  OPENSSL_cleanse(&*key, sizeof(Key));
  return set ? kGood : kFailed;
}

int TicketKeys::open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
                     EVP_MAC_CTX* mac) {
  std::optional<Key> key = find(name);
  if (!key) return kUnknownTicket;
  const bool old = clock_.mono_ms() - key->born_ms >= life_ms_;
  const bool set = EVP_DecryptInit_ex(cipher, aes_, nullptr, key->cipher.data(), iv) == 1 &&
                   set_mac_key(mac, key->mac.data(), key->mac.size());
  OPENSSL_cleanse(&*key, sizeof(Key));
  if (!set) return kFailed;
  return old ? kGoodButOld : kGood;
}

}  // namespace meridian
