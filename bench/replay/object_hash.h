#pragma once

#include "bench/replay/trace.h"

namespace meridian::replay {

// Stands for the hash of the object's key; mixes every bit, and no two objects have the same.
inline std::uint64_t hash_of(ObjectId id) {
  std::uint64_t x = id + 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31U);
}

}  // namespace meridian::replay
