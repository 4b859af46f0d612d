#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "edge/tiers/object.h"
#include "edge/tiers/ssd/record.h"

namespace meridian {

// What the SSD tier gives of an object whose body is kept in chunks: everything but the body. Any chunk may
// be missing: it was not filled yet, or has been given up. Immutable and shared.
struct SsdLarge {
  static constexpr std::uint64_t kUnknownLength = ssd::kUnknownLength;

  std::string key;
  std::uint64_t hash = 0;     // hash_of_key(key)
  std::uint64_t fill_id = 0;  // only chunks of the same filling are its own
  ObjectMeta meta;
  std::string head;
  std::uint64_t length = 0;  // of the body; unknown while a fill runs that was not told
  std::uint64_t chunk_bytes = 0;

  // By which the index finds it.
  std::uint64_t hash_of_chunk(std::uint64_t chunk) const {
    return ssd::hash_of_chunk(hash, fill_id, static_cast<std::uint32_t>(chunk));
  }
  std::uint64_t chunk_count() const { return (length + chunk_bytes - 1) / chunk_bytes; }
  std::uint64_t bytes_of_chunk(std::uint64_t chunk) const {
    return std::min(chunk_bytes, length - chunk * chunk_bytes);
  }
};

}  // namespace meridian
