#include "edge/tiers/ram_tier.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <random>
#include <utility>

#include "edge/tiers/adaptive_fifo.h"
#include "lib/base/check.h"

namespace meridian {
namespace {

constexpr std::uint64_t kBytesPerShard = 4ULL << 20U;
constexpr std::uint64_t kMaxShards = 256;
// Index and queues keep the memory of the largest number of objects they held. A smaller capacity of which
// that would take more than one part in this many has them built anew.
constexpr std::uint64_t kMaxOverheadShare = 8;

unsigned shards_for(const RamTier::Options& options) {
  if (options.shards != 0) {
    CHECK(std::has_single_bit(options.shards) && options.shards <= kMaxShards);
    return options.shards;
  }
  return static_cast<unsigned>(
      std::bit_floor(std::clamp<std::uint64_t>(options.capacity_bytes / kBytesPerShard, 1, kMaxShards)));
}

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32U | device();
}

}  // namespace

// What the policy may ask about the objects, while the writers' lock is held.
class RamTier::Entries final : public EvictionPolicy::Entries {
 public:
  explicit Entries(const RamTier& tier) : tier_(tier) {}
  std::uint64_t bytes(EntryId id) override { return object(id).footprint_bytes(); }
  std::uint64_t hash(EntryId id) override { return object(id).key_hash(); }
  unsigned frequency(EntryId id) override { return tier_.shard_of(id).frequency(tier_.node_of(id)); }
  void set_frequency(EntryId id, unsigned frequency) override {
    tier_.shard_of(id).set_frequency(tier_.node_of(id), frequency);
  }

 private:
  const Object& object(EntryId id) const { return tier_.shard_of(id).object(tier_.node_of(id)); }
  const RamTier& tier_;
};

RamTier::RamTier(Options options)
    : options_(std::move(options)),
      seed_(random_seed()),
      shard_count_(shards_for(options_)),
      shard_bits_(static_cast<unsigned>(std::countr_zero(shard_count_))),
      shards_(std::make_unique<ObjectShard[]>(shard_count_)),
      policy_(std::make_unique<AdaptiveFifo>(AdaptiveFifo::Options{})) {
  set_capacity(options_.capacity_bytes);
}

RamTier::~RamTier() = default;

RamTier::Place RamTier::place_of(std::uint64_t hash) const {
  // Keys come from clients, and their hash is no secret. The seed keeps chosen keys from meeting in one
  // chain.
  const auto product = static_cast<unsigned __int128>(hash ^ seed_) * 0x9E3779B97F4A7C15ULL;
  const std::uint64_t spread =
      static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
  return {spread, static_cast<unsigned>(spread >> 32U) & (shard_count_ - 1)};
}

Ref<const Object> RamTier::find(std::uint64_t hash, std::string_view key) {
  const Place place = place_of(hash);
  return shards_[place.shard].find(place.hash, key);
}

void RamTier::get(std::string_view key, std::function<void(Ref<const Object>)> done) {
  done(find(hash_of_key(key), key));
}

void RamTier::put(Ref<const Object> object) {
  put_if(object, [] { return true; });
}

bool RamTier::put_if(const Ref<const Object>& object, const std::function<bool()>& still_valid) {
  const std::uint64_t bytes = object ? object->footprint_bytes() : 0;
  Leaving evicted;
  Ref<const Object> replaced;
  {
    MutexLock lock(writers_);
    if (!still_valid()) return false;
    if (!object) {
      ++counts_.rejections;
      return false;
    }
    replaced = put_locked(object, bytes, evicted);
  }
  hand_over(std::move(evicted));
  return true;
}

bool RamTier::put_if_absent(const Ref<const Object>& object, const std::function<bool()>& still_valid) {
  if (!object) return false;
  const Place place = place_of(object->key_hash());
  return put_if(object, [&] { return !has(place, object->key()) && still_valid(); });
}

bool RamTier::has(std::uint64_t hash, std::string_view key) const { return has(place_of(hash), key); }

Ref<const Object> RamTier::put_locked(const Ref<const Object>& object, std::uint64_t bytes,
                                      Leaving& evicted) {
  const Place place = place_of(object->key_hash());
  ObjectShard& shard = shards_[place.shard];
  const auto held = shard.locate(place.hash, object->key());
  Ref<const Object> replaced;
  if (bytes > max_object_bytes()) {
    ++counts_.rejections;
    if (held) replaced = erase(id_of(place.shard, *held));
    return replaced;
  }
  ++counts_.inserts;
  if (held) {
    replaced = exchange(id_of(place.shard, *held), object, bytes);
  } else {
    make_room(bytes, evicted);
    insert(place, object, bytes);
  }
  // The index may have grown by a page, or the object by a new head.
  make_room(0, evicted);
  return replaced;
}

void RamTier::insert(const Place& place, const Ref<const Object>& object, std::uint64_t bytes) {
  const auto [node, grown_bytes] = shards_[place.shard].insert(place.hash, object);
  const EntryId id = id_of(place.shard, node);
  CHECK(id < EvictionPolicy::kMaxEntries);
  index_bytes_ += grown_bytes;
  object_bytes_ += bytes;
  ++counts_.objects;
  Entries entries(*this);
  policy_->insert(id, entries);
}

Ref<const Object> RamTier::exchange(EntryId id, Ref<const Object> object, std::uint64_t bytes) {
  Ref<const Object> old = shard_of(id).exchange(node_of(id), std::move(object));
  const std::uint64_t old_bytes = old->footprint_bytes();
  policy_->resize(id, old_bytes, bytes);
  object_bytes_ += bytes - old_bytes;
  return old;
}

Ref<const Object> RamTier::take(EntryId id) {
  Ref<const Object> object = shard_of(id).take(node_of(id));
  object_bytes_ -= object->footprint_bytes();
  --counts_.objects;
  return object;
}

Ref<const Object> RamTier::erase(EntryId id) {
  Ref<const Object> object = take(id);
  policy_->erase(id, object->footprint_bytes());
  return object;
}

std::uint64_t RamTier::overhead_bytes() const {
  return sizeof(*this) + shard_count_ * sizeof(ObjectShard) + index_bytes_ + policy_->footprint_bytes();
}

void RamTier::make_room(std::uint64_t bytes, Leaving& evicted) {
  Entries entries(*this);
  while (used_bytes() + bytes > capacity_bytes_) {
    const auto victim = policy_->evict(entries);
    if (!victim) return;
    evicted.push_back({take(victim->id), victim->reused});
    ++counts_.evictions;
  }
}

void RamTier::rebuild(Leaving& evicted) {
  Entries entries(*this);
  Leaving all;
  while (const auto victim = policy_->evict(entries)) {
    all.push_back({take(victim->id), victim->reused});
  }
  for (unsigned i = 0; i < shard_count_; ++i) shards_[i].clear();
  index_bytes_ = 0;
  policy_ = std::make_unique<AdaptiveFifo>(AdaptiveFifo::Options{});
  policy_->set_capacity(capacity_bytes_);
  auto first_kept = all.end();
  for (std::uint64_t bytes = 0; first_kept != all.begin(); --first_kept) {
    bytes += (first_kept - 1)->object->footprint_bytes();
    if (bytes > capacity_bytes_) break;
  }
  for (auto kept = first_kept; kept != all.end(); ++kept) {
    insert(place_of(kept->object->key_hash()), kept->object, kept->object->footprint_bytes());
  }
  counts_.evictions += static_cast<std::uint64_t>(first_kept - all.begin());
  std::move(all.begin(), first_kept, std::back_inserter(evicted));
}

void RamTier::hand_over(Leaving evicted) const {
  if (!options_.on_evict) return;
  for (Evicted& each : evicted) options_.on_evict(std::move(each));
}

void RamTier::remove(std::string_view key) {
  const Place place = place_of(hash_of_key(key));
  Ref<const Object> removed;
  MutexLock lock(writers_);
  const auto held = shards_[place.shard].locate(place.hash, key);
  if (held) removed = erase(id_of(place.shard, *held));
}

bool RamTier::remove_if(const Object& object) {
  const Place place = place_of(object.key_hash());
  ObjectShard& shard = shards_[place.shard];
  Ref<const Object> removed;
  MutexLock lock(writers_);
  const auto held = shard.locate(place.hash, object.key());
  if (!held) return true;
  if (&shard.object(*held) != &object) return false;
  removed = erase(id_of(place.shard, *held));
  return true;
}

bool RamTier::replace(const Object& expected, Ref<const Object> next) {
  const std::uint64_t bytes = next ? next->footprint_bytes() : 0;
  if (!next || bytes > max_object_bytes()) return false;
  DCHECK(next->key() == expected.key());
  const Place place = place_of(expected.key_hash());
  ObjectShard& shard = shards_[place.shard];
  Leaving evicted;
  Ref<const Object> replaced;
  {
    MutexLock lock(writers_);
    const auto held = shard.locate(place.hash, expected.key());
    if (!held || &shard.object(*held) != &expected) return false;
    ++counts_.inserts;
    replaced = exchange(id_of(place.shard, *held), std::move(next), bytes);
    make_room(0, evicted);
  }
  hand_over(std::move(evicted));
  return true;
}

void RamTier::set_capacity(std::uint64_t capacity_bytes) {
  Leaving evicted;
  {
    MutexLock lock(writers_);
    capacity_bytes_ = capacity_bytes;
    max_object_bytes_.store(
        static_cast<std::uint64_t>(static_cast<double>(capacity_bytes) * options_.max_object_share),
        std::memory_order_relaxed);
    policy_->set_capacity(capacity_bytes);
    if (overhead_bytes() > capacity_bytes / kMaxOverheadShare) rebuild(evicted);
    make_room(0, evicted);
  }
  hand_over(std::move(evicted));
}

TierStats RamTier::stats() const {
  TierStats stats;
  {
    MutexLock lock(writers_);
    stats = counts_;
    stats.bytes = used_bytes();
    stats.capacity_bytes = capacity_bytes_;
  }
  for (unsigned i = 0; i < shard_count_; ++i) {
    const ObjectShard::Lookups lookups = shards_[i].lookups();
    stats.hits += lookups.hits;
    stats.misses += lookups.misses;
  }
  return stats;
}

}  // namespace meridian
