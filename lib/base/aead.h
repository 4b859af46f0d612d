#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace meridian {

// Encrypts and authenticates bytes in place: AES-256-GCM (NIST SP 800-38D). One nonce must never be used
// twice under one key. Immutable: any number of threads may use it.
class Aes256Gcm {
 public:
  static constexpr std::size_t kTagBytes = 16;
  using Key = std::array<unsigned char, 32>;
  using Nonce = std::array<unsigned char, 12>;

  explicit Aes256Gcm(const Key& key) : key_(key) {}
  // `bound` is authenticated and not encrypted. Writes kTagBytes to `tag`. False: the library failed.
  [[nodiscard]] bool seal(const Nonce& nonce, std::string_view bound, char* bytes, std::size_t size,
                          char* tag) const;
  // False: key, nonce, bytes, tag or `bound` are not those of seal(); `bytes` are then undefined.
  [[nodiscard]] bool open(const Nonce& nonce, std::string_view bound, char* bytes, std::size_t size,
                          const char* tag) const;

 private:
  Key key_;
};

// A key of its own for each context, of which none tells anything of another (HMAC-SHA-256).
Aes256Gcm::Key derive_key(const Aes256Gcm::Key& master, std::string_view context);

// Unpredictable bytes from the system.
void fill_random(void* to, std::size_t size);
std::uint64_t random_u64();

}  // namespace meridian
