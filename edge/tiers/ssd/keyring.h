#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "lib/base/aead.h"
#include "lib/base/result.h"

namespace meridian::ssd {

// The keys of encryption at rest, from a file of lines "<id> <64 hex digits>", ids 1 to 255. The first line's
// key encrypts new segments; the others only read what was written under them. So a key is rotated by putting
// a new line on top, and dropped when no segment of it is left. Immutable; any thread.
class Keyring {
 public:
  Keyring() = default;  // no keys: nothing is encrypted
  [[nodiscard]] static Result<Keyring> load(const std::string& path);
  [[nodiscard]] static Result<Keyring> parse(std::string_view text, const std::string& name);

  // 0: new segments are not encrypted.
  std::uint8_t current() const { return current_; }
  bool has(std::uint8_t id) const { return id == 0 || keys_.contains(id); }
  // The key of one segment of one file: no two segments ever share one, so an offset is nonce enough.
  Aes256Gcm cipher(std::uint8_t id, std::uint64_t identity, std::uint64_t generation) const;

 private:
  std::uint8_t current_ = 0;
  std::map<std::uint8_t, Aes256Gcm::Key> keys_;
};

}  // namespace meridian::ssd
