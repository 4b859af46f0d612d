#pragma once

#include <cstdint>
#include <string_view>

namespace meridian {

#if defined(__x86_64__)
// hash_bytes() for a processor with AVX2: the same values, more than twice as fast for long input.
std::uint64_t hash_bytes_avx2(std::string_view bytes, std::uint64_t seed);
#endif

}  // namespace meridian
