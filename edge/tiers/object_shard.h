#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "edge/tiers/object.h"
#include "edge/tiers/paged_array.h"
#include "lib/base/mutex.h"

namespace meridian {

// One part of the RAM tier's index: finds objects by key and counts their hits. A chained hash table of 20
// bytes an object that grows by one bucket at a time (linear hashing: Litwin, VLDB 1980), so that no insert
// ever rehashes everything. Readers come from any thread; the tier serialises writers among themselves. Owns
// one reference to each object. Every function takes the lock for a few instructions and frees no object
// under it.
class alignas(64) ObjectShard {
 public:
  using NodeId = std::uint32_t;
  struct Inserted {
    NodeId node;
    std::size_t grown_bytes;  // memory that the index took for it
  };
  struct Lookups {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
  };

  ObjectShard() = default;
  ObjectShard(const ObjectShard&) = delete;
  ObjectShard& operator=(const ObjectShard&) = delete;
  ~ObjectShard() { clear(); }

  // The hit path. `hash` spreads over all bits; the shard uses the low 30.
  Ref<const Object> find(std::uint64_t hash, std::string_view key) EXCLUDES(mutex_);
  Lookups lookups() const EXCLUDES(mutex_);

  // --- for writers, one at a time ---
  std::optional<NodeId> locate(std::uint64_t hash, std::string_view key) const EXCLUDES(mutex_);
  Inserted insert(std::uint64_t hash, Ref<const Object> object) EXCLUDES(mutex_);
  // The node's object leaves it for another of the same key; hits are kept.
  Ref<const Object> exchange(NodeId node, Ref<const Object> object) EXCLUDES(mutex_);
  Ref<const Object> take(NodeId node) EXCLUDES(mutex_);
  // Valid until the node changes, which only a writer does.
  const Object& object(NodeId node) const EXCLUDES(mutex_);
  unsigned frequency(NodeId node) const EXCLUDES(mutex_);
  void set_frequency(NodeId node, unsigned frequency) EXCLUDES(mutex_);
  // Drops everything, memory of the index included.
  void clear() EXCLUDES(mutex_);
  std::size_t footprint_bytes() const EXCLUDES(mutex_);

 private:
  static constexpr unsigned kFrequencyBits = 2;
  static constexpr std::uint32_t kFrequencyMask = (1U << kFrequencyBits) - 1;
  // A link is a node's number plus one; 0 ends a chain.
  using Link = std::uint32_t;
  struct Node {
    const Object* object;
    Link next;
    std::uint32_t print_and_frequency;
    std::uint32_t print() const { return print_and_frequency >> kFrequencyBits; }
  };

  static std::uint32_t print_of(std::uint64_t hash) {
    return static_cast<std::uint32_t>(hash) >> kFrequencyBits;
  }
  std::size_t bucket_of(std::uint32_t print) const REQUIRES(mutex_) {
    const std::size_t bucket = print & (2 * round_ - 1);
    return bucket < bucket_count_ ? bucket : bucket & (round_ - 1);
  }
  Link find_link(std::uint32_t print, std::string_view key) const REQUIRES(mutex_);
  NodeId free_node() REQUIRES(mutex_);
  void add_bucket() REQUIRES(mutex_);
  std::size_t footprint() const REQUIRES(mutex_) {
    return nodes_.footprint_bytes() + buckets_.footprint_bytes();
  }

  mutable Mutex mutex_;
  PagedArray<Link, 256> buckets_ GUARDED_BY(mutex_);
  PagedArray<Node, 128> nodes_ GUARDED_BY(mutex_);
  std::size_t bucket_count_ GUARDED_BY(mutex_) = 0;
  std::size_t round_ GUARDED_BY(mutex_) = 1;  // the largest power of two that is not above bucket_count_
  std::size_t object_count_ GUARDED_BY(mutex_) = 0;
  NodeId fresh_node_ GUARDED_BY(mutex_) = 0;  // nodes from here on have never been used
  Link free_ GUARDED_BY(mutex_) = 0;          // chain of nodes to use again
  Lookups lookups_ GUARDED_BY(mutex_);
};

}  // namespace meridian
