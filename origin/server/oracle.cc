#include "origin/server/oracle.h"

#include <algorithm>
#include <cstring>

namespace meridian::origin {
namespace {

std::uint64_t splitmix64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

void store_little_endian(std::uint64_t word, char* to) {
  for (unsigned i = 0; i < 8; ++i) to[i] = static_cast<char>((word >> (8 * i)) & 0xff);
}

std::uint64_t mix_number(std::uint64_t number, std::uint64_t state) {
  char bytes[8];
  store_little_endian(number, bytes);
  return fnv1a64({bytes, sizeof bytes}, state);
}

}  // namespace

std::uint64_t fnv1a64(std::string_view bytes, std::uint64_t state) {
  for (char c : bytes) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return state;
}

std::uint64_t oracle_key(const OracleName& name) {
  return mix_number(name.version, mix_number(name.seed, fnv1a64(name.name)));
}

void oracle_fill(std::uint64_t key, std::uint64_t offset, char* to, std::size_t size) {
  while (size > 0) {
    char word[8];
    store_little_endian(splitmix64(key + offset / 8), word);
    const std::size_t skip = offset % 8;
    const std::size_t count = std::min<std::size_t>(8 - skip, size);
    std::memcpy(to, word + skip, count);
    to += count, offset += count, size -= count;
  }
}

bool oracle_matches(std::uint64_t key, std::uint64_t offset, std::string_view bytes) {
  char expected[4096];
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), sizeof expected);
    oracle_fill(key, offset, expected, count);
    if (std::memcmp(expected, bytes.data(), count) != 0) return false;
    bytes.remove_prefix(count);
    offset += count;
  }
  return true;
}

}  // namespace meridian::origin
