#include "lib/base/hash.h"

#include "lib/base/hash_avx2.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace meridian {
namespace {

// Keys are shorter, and not worth the question.
[[maybe_unused]] constexpr std::size_t kLong = 1024;

}  // namespace

std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) {
#if defined(__x86_64__)
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  if (bytes.size() > kLong && has_avx2) return hash_bytes_avx2(bytes, seed);
#endif
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace meridian
