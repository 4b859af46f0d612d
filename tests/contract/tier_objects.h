#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "edge/tiers/object.h"

// Objects for tests of tiers, whose every byte follows from key and version: whoever gets one can tell
// whether it is whole, of that key, and as it was put.
namespace meridian::test {

inline std::string bytes_of(std::string_view key, std::uint64_t version, std::string_view what,
                            std::size_t size) {
  const std::string seed_text = std::string(key) + "|" + std::to_string(version) + "|" + std::string(what);
  std::uint64_t state = hash_of_key(seed_text);
  std::string bytes(size, '\0');
  for (char& byte : bytes) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    byte = static_cast<char>(state >> 56U);
  }
  return bytes;
}

// The version travels in fill_seq.
inline ObjectMeta meta_of(std::string_view key, std::uint64_t version) {
  ObjectMeta meta;
  meta.fill_seq = version;
  meta.response_time_s = static_cast<std::int64_t>(hash_of_key(key) >> 8U);
  meta.initial_age_s = 1;
  meta.lifetime_s = static_cast<std::uint32_t>(version * 7);
  meta.stale_revalidate_s = 3;
  meta.stale_error_s = 4;
  meta.status = 200;
  meta.flags = 0xA5;
  meta.site = 6;
  return meta;
}

// A body as a fill would leave it: in blocks of `block_bytes`, the last one partly filled.
inline std::vector<Slice> slices_of(std::string_view bytes, std::size_t block_bytes = 16 * 1024) {
  std::vector<Slice> slices;
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, block_bytes);
    Ref<Block> block = Block::allocate(block_bytes);
    part.copy(block->data(), part.size());
    const char* data = block->data();
    slices.push_back({std::move(block), data, part.size()});
    bytes.remove_prefix(part.size());
  }
  return slices;
}

inline Ref<Object> object_of(std::string_view key, std::uint64_t version, std::size_t body_bytes,
                             std::size_t head_bytes = 120) {
  return Object::from_fill(key, meta_of(key, version), bytes_of(key, version, "head", head_bytes),
                           slices_of(bytes_of(key, version, "body", body_bytes)));
}

inline std::string body_of(const Object& object) {
  std::string body;
  for (std::size_t i = 0; i < object.piece_count(); ++i) body += object.piece(i).view();
  return body;
}

inline bool is_whole(const Object& object, std::string_view key) {
  const std::uint64_t version = object.meta().fill_seq;
  return object.key() == key && object.meta() == meta_of(key, version) &&
         object.head() == bytes_of(key, version, "head", object.head().size()) &&
         body_of(object) == bytes_of(key, version, "body", object.body_size());
}

}  // namespace meridian::test
