#include "lib/base/aead.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <memory>

#include "lib/base/check.h"

namespace meridian {
namespace {

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(char* text) { return reinterpret_cast<unsigned char*>(text); }

}  // namespace

bool Aes256Gcm::seal(const Nonce& nonce, std::string_view bound, char* bytes, std::size_t size,
                     char* tag) const {
  const Context context(EVP_CIPHER_CTX_new());
  int written = 0;
  return context != nullptr &&
         EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key_.data(), nonce.data()) == 1 &&
         EVP_EncryptUpdate(context.get(), nullptr, &written, bytes_of(bound),
                           static_cast<int>(bound.size())) == 1 &&
         EVP_EncryptUpdate(context.get(), bytes_of(bytes), &written, bytes_of(bytes),
                           static_cast<int>(size)) == 1 &&
         EVP_EncryptFinal_ex(context.get(), bytes_of(bytes) + written, &written) == 1 &&
         EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag) == 1;
}

bool Aes256Gcm::open(const Nonce& nonce, std::string_view bound, char* bytes, std::size_t size,
                     const char* tag) const {
  const Context context(EVP_CIPHER_CTX_new());
  int written = 0;
  return context != nullptr &&
         EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key_.data(), nonce.data()) == 1 &&
         EVP_DecryptUpdate(context.get(), nullptr, &written, bytes_of(bound),
                           static_cast<int>(bound.size())) == 1 &&
         EVP_DecryptUpdate(context.get(), bytes_of(bytes), &written, bytes_of(bytes),
                           static_cast<int>(size)) == 1 &&
         EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, const_cast<char*>(tag)) == 1 &&
         EVP_DecryptFinal_ex(context.get(), bytes_of(bytes) + written, &written) == 1;
}

Aes256Gcm::Key derive_key(const Aes256Gcm::Key& master, std::string_view context) {
  Aes256Gcm::Key key{};
  unsigned int size = 0;
  CHECK(HMAC(EVP_sha256(), master.data(), static_cast<int>(master.size()), bytes_of(context), context.size(),
             key.data(), &size) != nullptr);
  CHECK(size == key.size());
  return key;
}

void fill_random(void* to, std::size_t size) {
  CHECK(RAND_bytes(static_cast<unsigned char*>(to), static_cast<int>(size)) == 1);
}

std::uint64_t random_u64() {
  std::uint64_t number = 0;
  fill_random(&number, sizeof number);
  return number;
}

}  // namespace meridian
