#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "edge/tiers/object.h"
#include "lib/base/result.h"

namespace meridian {

struct TierStats {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;  // all told, overhead included
  std::uint64_t capacity_bytes = 0;
  std::uint64_t hits = 0, misses = 0;
  std::uint64_t inserts = 0, evictions = 0, rejections = 0;
};

// A place where objects are kept. Every implementation passes tests/contract/tier_contract.h. A tier may drop
// anything at any time and may refuse an insert; what it returns is whole, of that key, and as it was put.
class Tier {
 public:
  virtual ~Tier() = default;
  virtual std::string_view name() const = 0;  // "ram", "ssd", "memcached"
  // Calls back once, perhaps inside get(); an empty Ref is a miss. Failures of the tier are misses, and
  // counted.
  virtual void get(std::string_view key, std::function<void(Ref<const Object>)> done) = 0;
  // Replaces what the key had.
  virtual void put(Ref<const Object> object) = 0;
  virtual void remove(std::string_view key) = 0;
  virtual TierStats stats() const = 0;
};

}  // namespace meridian
