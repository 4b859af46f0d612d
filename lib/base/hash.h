#pragma once

#include <cstdint>
#include <string_view>

namespace meridian {

// XXH3: fast and well mixed, the same in every process and on every machine; not for secrets.
std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed = 0);

}  // namespace meridian
