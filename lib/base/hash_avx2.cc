#include "lib/base/hash_avx2.h"

// Compiled for AVX2, whatever the rest is compiled for: nothing else belongs into this file.
#if defined(__x86_64__)

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace meridian {

std::uint64_t hash_bytes_avx2(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace meridian

#endif
