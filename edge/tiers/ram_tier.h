#pragma once

#include <memory>

#include "edge/tiers/tier.h"

namespace meridian {

// The hot tier: shared by all workers, in shards, each with a short critical section. S3-FIFO eviction (Yang et al.,
// SOSP 2023): a small queue that new objects pass, a main queue for those asked for again, and a ghost queue of
// hashes. Bytes are accounted exactly, overhead included; the sum never passes the capacity after an insert has returned.
class RamTier final : public Tier {
 public:
  struct Options {
    std::uint64_t capacity_bytes = 256ULL << 20U;
    double max_object_share = 0.1;  // an object larger than this share of the capacity is refused
    unsigned shards = 0;            // 0: by capacity, a power of two
  };
  explicit RamTier(const Options& options);
  ~RamTier() override;

  // The hit path: no allocation, one short lock. `hash` is hash_of_key(key).
  Ref<const Object> find(std::uint64_t hash, std::string_view key);
  // Removes `key` only if it still holds `object`.
  void remove_if(const Object& object);
  // Puts `next` in the place of `expected` unless another object has come there meanwhile.
  bool replace(const Object& expected, Ref<const Object> next);
  std::uint64_t max_object_bytes() const;
  void set_capacity(std::uint64_t capacity_bytes);

  std::string_view name() const override { return "ram"; }
  void get(std::string_view key, std::function<void(Ref<const Object>)> done) override;
  void put(Ref<const Object> object) override;
  void remove(std::string_view key) override;
  TierStats stats() const override;

 private:
  class Shard;
  std::unique_ptr<Shard[]> shards_;
  unsigned shard_count_ = 0;
};

}  // namespace meridian
