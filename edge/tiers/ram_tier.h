#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "edge/tiers/eviction_policy.h"
#include "edge/tiers/object_shard.h"
#include "edge/tiers/tier.h"
#include "lib/base/mutex.h"

namespace meridian {

// The hot tier, shared by all workers. Lookups go to one of many index shards and hold its lock for a few
// instructions; those who change something (one fill each) are serialised by one lock of their own, which
// keeps the order of eviction and the sum of bytes exact over all shards. Bytes count everything: the objects
// as the allocator rounds them, index, queues and ghosts; the sum never passes the capacity after an insert
// has returned. Lock order: writers, then a shard. Objects are freed outside both.
class RamTier final : public Tier {
 public:
  struct Evicted {
    Ref<const Object> object;
    bool reused = false;  // EvictionPolicy::Victim
  };
  struct Options {
    std::uint64_t capacity_bytes = 256ULL << 20U;
    double max_object_share = 0.1;  // an object larger than this share of the capacity is refused
    unsigned shards = 0;            // a power of two; 0: by capacity
    // Receives what leaves for want of room, on the thread whose insert needed it, outside all locks.
    std::function<void(Evicted)> on_evict = {};
  };
  explicit RamTier(Options options);
  ~RamTier() override;

  // The hit path: no allocation, one short lock. `hash` is hash_of_key(key).
  Ref<const Object> find(std::uint64_t hash, std::string_view key);
  // Puts only if `still_valid` agrees, which is asked under the writers' lock (so it must be short and take
  // no lock that is held while this tier is called). An invalidation that first makes `still_valid` say no
  // and then removes the key leaves no moment in which what it invalidated can be found. False: it said no,
  // and nothing was changed.
  bool put_if(const Ref<const Object>& object, const std::function<bool()>& still_valid);
  // The same, and not when the key has any object: what came there is newer than what was found elsewhere.
  bool put_if_absent(const Ref<const Object>& object, const std::function<bool()>& still_valid);
  // Removes `object`'s key only if it still holds this very object. False: it holds another one.
  bool remove_if(const Object& object);
  // Whether there is one; this is not counted as a lookup.
  bool has(std::uint64_t hash, std::string_view key) const;
  // Puts `next`, of the same key, in the place of `expected`; false when another object has come there
  // meanwhile or `next` is too large, and nothing is changed then.
  bool replace(const Object& expected, Ref<const Object> next);
  std::uint64_t max_object_bytes() const { return max_object_bytes_.load(std::memory_order_relaxed); }
  std::uint64_t capacity_bytes() const { return capacity_bytes_.load(std::memory_order_relaxed); }
  // Evicts at once what no longer fits. A large cut also forgets which objects were popular.
  void set_capacity(std::uint64_t capacity_bytes);

  std::string_view name() const override { return "ram"; }
  void get(std::string_view key, std::function<void(Ref<const Object>)> done) override;
  // A refused object leaves no older one behind: after put(), its key gives it or a miss.
  void put(Ref<const Object> object) override;
  void remove(std::string_view key) override;
  TierStats stats() const override;

 private:
  class Entries;
  // Where a key belongs, and its hash as this tier spreads it.
  struct Place {
    std::uint64_t hash;
    unsigned shard;
  };
  using Leaving = std::vector<Evicted>;

  Place place_of(std::uint64_t hash) const;
  EntryId id_of(unsigned shard, ObjectShard::NodeId node) const { return node << shard_bits_ | shard; }
  ObjectShard& shard_of(EntryId id) const { return shards_[id & (shard_count_ - 1)]; }
  ObjectShard::NodeId node_of(EntryId id) const { return id >> shard_bits_; }

  std::uint64_t overhead_bytes() const REQUIRES(writers_);
  std::uint64_t used_bytes() const REQUIRES(writers_) { return overhead_bytes() + object_bytes_; }
  bool has(const Place& place, std::string_view key) const {
    return shards_[place.shard].locate(place.hash, key).has_value();
  }
  // The reference count of what it returns is the caller's to drop, outside the lock.
  Ref<const Object> put_locked(const Ref<const Object>& object, std::uint64_t bytes, Leaving& evicted)
      REQUIRES(writers_);
  void insert(const Place& place, const Ref<const Object>& object, std::uint64_t bytes) REQUIRES(writers_);
  // Builds index and queues anew, for the newest objects that fit: they were made for far more than can stay.
  void rebuild(Leaving& evicted) REQUIRES(writers_);
  Ref<const Object> exchange(EntryId id, Ref<const Object> object, std::uint64_t bytes) REQUIRES(writers_);
  Ref<const Object> take(EntryId id) REQUIRES(writers_);
  Ref<const Object> erase(EntryId id) REQUIRES(writers_);
  void make_room(std::uint64_t bytes, Leaving& evicted) REQUIRES(writers_);
  void hand_over(Leaving evicted) const EXCLUDES(writers_);

  const Options options_;
  const std::uint64_t seed_;
  const unsigned shard_count_;
  const unsigned shard_bits_;
  const std::unique_ptr<ObjectShard[]> shards_;
  std::atomic<std::uint64_t> max_object_bytes_{0};
  std::atomic<std::uint64_t> capacity_bytes_{0};  // changed under writers_

  mutable Mutex writers_;
  std::unique_ptr<EvictionPolicy> policy_ GUARDED_BY(writers_);  // names objects by id_of()
  std::uint64_t object_bytes_ GUARDED_BY(writers_) = 0;
  std::uint64_t index_bytes_ GUARDED_BY(writers_) = 0;
  TierStats counts_ GUARDED_BY(writers_);
};

}  // namespace meridian
