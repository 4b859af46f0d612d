#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "lib/base/bytes.h"

namespace meridian {

// What a tier knows of an object besides its key and bytes. Plain data: it goes to disk and to memcached as
// it is. What the numbers mean for HTTP (freshness, status) is decided one layer above.
struct ObjectMeta {
  std::uint64_t fill_seq =
      0;  // applied_seq of the place that asked the origin, when it asked; never restamped
  std::int64_t response_time_s = 0;      // when the response came, wall clock
  std::uint32_t initial_age_s = 0;       // corrected_initial_age of RFC 9111 section 4.2.3
  std::uint32_t lifetime_s = 0;          // freshness lifetime
  std::uint32_t stale_revalidate_s = 0;  // stale-while-revalidate
  std::uint32_t stale_error_s = 0;       // stale-if-error
  std::uint16_t status = 0;
  std::uint16_t flags = 0;  // the layer above defines them
  std::uint32_t site = 0;   // which site it belongs to
  bool operator==(const ObjectMeta&) const = default;
};
static_assert(sizeof(ObjectMeta) == 40);

// A stored object: key, metadata, head and body, immutable once made and safe to share between threads. Key,
// head and a small body lie in its own allocation, behind 64 bytes of header; a large body is a list of
// slices of the blocks that the fill read into, and the list lies in the allocation too.
class Object final : public RefCounted {
 public:
  // Bodies up to this size belong into the object's own allocation. Larger ones are worth lying in pages that
  // a socket can take without a copy (lib/base/page_file.h).
  static constexpr std::size_t kInlineBody = 32 * 1024;
  // A longer key, or a longer head, makes no object: the functions below return an empty Ref then.
  static constexpr std::size_t kMaxKey = 65535;
  static constexpr std::size_t kMaxHead = 16 * 1024 * 1024;

  // The form that fits a body that a fill has read: up to kInlineBody it is copied into one exact allocation;
  // above that, blocks that the body fills well are kept as they are and the rest is copied together.
  static Ref<Object> from_fill(std::string_view key, const ObjectMeta& meta, std::string_view head,
                               std::span<const Slice> body);
  // One allocation holds all bytes.
  static Ref<Object> make(std::string_view key, const ObjectMeta& meta, std::string_view head,
                          std::span<const Slice> body);
  // The body stays in the given slices, each keeping its whole block alive.
  static Ref<Object> make_large(std::string_view key, const ObjectMeta& meta, std::string_view head,
                                std::span<const Slice> body);

  // A response whose body lies elsewhere, in a tier that gives it piece by piece: `body` says where. Key,
  // head and metadata are here as always, so that it can be judged, confirmed and kept in RAM like any other.
  static Ref<Object> make_far(std::string_view key, const ObjectMeta& meta, std::string_view head,
                              std::uint64_t body_size, Ref<const RefCounted> body);

  std::string_view key() const { return {text(), key_size()}; }
  std::string_view head() const { return {text() + key_size(), head_size_}; }
  std::uint64_t key_hash() const;
  const ObjectMeta& meta() const { return meta_; }
  std::uint64_t body_size() const { return packed_ >> kBodyShift; }
  // Where the body is; nullptr for one that is here.
  const RefCounted* far_body() const;
  // The body's pieces in order (none of a body that is far); exactly one for an inline body, even when it is
  // empty. A piece keeps its bytes alive.
  std::size_t piece_count() const { return !is_large() ? 1 : far_body() != nullptr ? 0 : large().count; }
  Slice piece(std::size_t index) const;
  // The inline body without touching the count (valid while the caller holds the object); empty for a large
  // one.
  std::string_view inline_body() const;
  // The same key and body under a new head and metadata (after a 304); a large body is shared, an inline one
  // copied.
  Ref<Object> with(const ObjectMeta& meta, std::string_view head) const;
  // Says that a cold tier has it too, so that it need not be written there again. Before it is shared.
  void mark_cold_copy() { packed_ |= kColdCopyBit; }
  bool has_cold_copy() const { return (packed_ & kColdCopyBit) != 0; }
  // Says that it is another edge's to keep: no cold tier takes it. Before it is shared.
  void mark_hot_copy() { packed_ |= kHotCopyBit; }
  bool is_hot_copy() const { return (packed_ & kHotCopyBit) != 0; }
  // Its own allocation and those that its slices keep alive, each counted once.
  std::size_t footprint_bytes() const noexcept override;

 private:
  // What a large object has between the header and the key; the slices follow it.
  struct Large {
    std::size_t count;
    std::size_t block_bytes;
  };
  static constexpr unsigned kBodyShift = 19;
  static constexpr std::uint64_t kHotCopyBit = 1U << 18U;
  static constexpr std::uint64_t kColdCopyBit = 1U << 17U;
  static constexpr std::uint64_t kLargeBit = 1U << 16U;

  Object(std::string_view key, const ObjectMeta& meta, std::size_t head_size, std::uint64_t body_size,
         bool large)
      : head_size_(static_cast<std::uint32_t>(head_size)),
        packed_(body_size << kBodyShift | (large ? kLargeBit : 0) | key.size()),
        meta_(meta) {}
  ~Object() override = default;
  void destroy() const noexcept override;

  std::size_t key_size() const { return packed_ & kMaxKey; }
  bool is_large() const { return (packed_ & kLargeBit) != 0; }
  const Large& large() const { return *reinterpret_cast<const Large*>(this + 1); }
  const Slice* slices() const { return reinterpret_cast<const Slice*>(&large() + 1); }
  const char* text() const {
    return is_large() ? reinterpret_cast<const char*>(slices() + large().count)
                      : reinterpret_cast<const char*>(this + 1);
  }
  char* write_text(std::string_view key, std::string_view head);

  std::uint32_t head_size_;
  // Size of the body, is_hot_copy(), has_cold_copy(), whether it is large, size of the key.
  std::uint64_t packed_;
  ObjectMeta meta_;
};

// The hash of a key, the same in every tier and process.
std::uint64_t hash_of_key(std::string_view key);

}  // namespace meridian
