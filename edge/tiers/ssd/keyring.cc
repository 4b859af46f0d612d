#include "edge/tiers/ssd/keyring.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>

#include "lib/base/check.h"

namespace meridian::ssd {
namespace {

constexpr std::size_t kMostFileBytes = 64 * 1024;

std::optional<Aes256Gcm::Key> key_of_hex(std::string_view hex) {
  Aes256Gcm::Key key{};
  if (hex.size() != 2 * key.size()) return std::nullopt;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const char* from = hex.data() + 2 * i;
    const auto [end, error] = std::from_chars(from, from + 2, key[i], 16);
    if (error != std::errc() || end != from + 2) return std::nullopt;
  }
  return key;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\r' || text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  return text;
}

Failure bad(const std::string& name, std::size_t line, const std::string& what) {
  return fail(ErrorCode::kInvalid, ErrorSource::kOperator, name + ":" + std::to_string(line) + ": " + what);
}

}  // namespace

Result<Keyring> Keyring::load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file.good() && !file.eof()) {
    return fail(ErrorCode::kIo, ErrorSource::kOperator, "cannot read " + path + ": " + std::strerror(errno));
  }
  if (text.size() > kMostFileBytes) return bad(path, 1, "the file is too long for a file of keys");
  return parse(text, path);
}

Result<Keyring> Keyring::parse(std::string_view text, const std::string& name) {
  Keyring ring;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#') continue;
    const std::size_t space = line.find(' ');
    std::uint8_t id = 0;
    const auto [rest, error] = std::from_chars(line.data(), line.data() + std::min(space, line.size()), id);
    if (space == std::string_view::npos || error != std::errc() || rest != line.data() + space || id == 0) {
      return bad(name, number, "a line is an id from 1 to 255, a space and 64 hex digits");
    }
    const std::optional<Aes256Gcm::Key> key = key_of_hex(trimmed(line.substr(space)));
    if (!key) return bad(name, number, "the key is not 64 hex digits");
    if (!ring.keys_.emplace(id, *key).second) return bad(name, number, "this id was there before");
    if (ring.current_ == 0) ring.current_ = id;
  }
  if (ring.current_ == 0) return bad(name, 1, "there is no key in it");
  return ring;
}

Aes256Gcm Keyring::cipher(std::uint8_t id, std::uint64_t identity, std::uint64_t generation) const {
  const auto key = keys_.find(id);
  CHECK(key != keys_.end());
  char context[2 * sizeof(std::uint64_t)];
  std::memcpy(context, &identity, sizeof identity);
  std::memcpy(context + sizeof identity, &generation, sizeof generation);
  return Aes256Gcm(derive_key(key->second, {context, sizeof context}));
}

}  // namespace meridian::ssd
