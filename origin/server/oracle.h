#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// Bodies that anybody can check without having seen them: every byte of a generated resource is a function of
// the resource's name, its version and the byte's offset. The origin writes them, tests and benches check
// them.
namespace meridian::origin {

// Names one body: `name` is the path as the origin sees it ("/_bytes/1024"), `seed` and `version` come from
// the query.
struct OracleName {
  std::string_view name;
  std::uint64_t seed = 0;
  std::uint64_t version = 0;
};

// FNV-1a (64 bit) of the name, then of seed and version as eight little-endian bytes each.
std::uint64_t oracle_key(const OracleName& name);

// Writes the bytes [offset, offset + size). Byte i is byte i % 8 (little-endian) of the word splitmix64(key +
// i / 8). They are not text on purpose: a body that is decoded, trimmed or re-encoded on its way shows.
void oracle_fill(std::uint64_t key, std::uint64_t offset, char* to, std::size_t size);

// True when `bytes` is what stands at `offset`.
bool oracle_matches(std::uint64_t key, std::uint64_t offset, std::string_view bytes);

// FNV-1a (64 bit), for digests that a test can repeat in any language.
std::uint64_t fnv1a64(std::string_view bytes, std::uint64_t state = 0xcbf29ce484222325ULL);

}  // namespace meridian::origin
