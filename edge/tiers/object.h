#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "lib/base/bytes.h"

namespace meridian {

// What a tier knows of an object besides its key and bytes. Plain data: it goes to disk and to memcached as it is.
// What the numbers mean for HTTP (freshness, status) is decided one layer above.
struct ObjectMeta {
  std::uint64_t fill_seq = 0;          // applied_seq of the place that asked the origin, when it asked; never restamped
  std::int64_t response_time_s = 0;    // when the response came, wall clock
  std::uint32_t initial_age_s = 0;     // corrected_initial_age of RFC 9111 section 4.2.3
  std::uint32_t lifetime_s = 0;        // freshness lifetime
  std::uint32_t stale_revalidate_s = 0;  // stale-while-revalidate
  std::uint32_t stale_error_s = 0;       // stale-if-error
  std::uint16_t status = 0;
  std::uint16_t flags = 0;  // the layer above defines them
  std::uint32_t site = 0;   // which site it belongs to
};
static_assert(sizeof(ObjectMeta) == 40 || sizeof(ObjectMeta) == 48);

// A stored object: key, metadata, head and body, immutable once made. Key, head and a small body lie in its own
// allocation; a large body is a list of slices of the blocks that the fill read into.
class Object final : public RefCounted {
 public:
  // One allocation holds all bytes.
  static Ref<Object> make(std::string_view key, const ObjectMeta& meta, std::string_view head,
                          std::span<const Slice> body);
  // The body stays in the given slices; for bodies above kInlineBody.
  static Ref<Object> make_large(std::string_view key, const ObjectMeta& meta, std::string_view head,
                                std::vector<Slice> body);
  static constexpr std::size_t kInlineBody = 64 * 1024;

  std::string_view key() const;
  std::string_view head() const;
  std::uint64_t key_hash() const { return key_hash_; }
  const ObjectMeta& meta() const { return meta_; }
  std::uint64_t body_size() const { return body_size_; }
  // The body's pieces in order; one piece for an inline body. A piece keeps this object alive.
  std::size_t piece_count() const;
  Slice piece(std::size_t index) const;
  // The inline body without touching the count (valid while the caller holds the object); empty for a large one.
  std::string_view inline_body() const;
  // The same key and body under a new head and metadata (after a 304); a large body is shared, an inline one copied.
  Ref<Object> with(const ObjectMeta& meta, std::string_view head) const;
  // Everything it takes from the allocator, to the byte as the allocator rounds it.
  std::size_t footprint_bytes() const;

 private:
  friend class RamTier;
  Object() = default;
  void destroy() const noexcept override;

  ObjectMeta meta_;
  std::uint64_t key_hash_ = 0;
  std::uint64_t body_size_ = 0;
  std::uint32_t key_size_ = 0;
  std::uint32_t head_size_ = 0;
  std::vector<Slice>* pieces_ = nullptr;  // nullptr: the body is inline
};

// The hash of a key, the same in every tier and process.
std::uint64_t hash_of_key(std::string_view key);

}  // namespace meridian
