#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace meridian {

// Which objects are worth writing to a tier whose writes cost something (SSD). Knows hashes, sizes and how
// often an object was asked for, so that a replay runs the same code as the tier. Not thread-safe: the tier
// calls it under the lock of its writers. One call costs about a cache miss and allocates nothing.
//
// A tier does not hold a policy itself but an Admission (admission.h), which puts one under a write budget.
class AdmissionPolicy {
 public:
  // An object that could be written: it left RAM for want of room, or it came from the origin and is too
  // large for RAM. It is offered once for each time that it came from further away than this tier.
  struct Offer {
    std::uint64_t hash = 0;   // hash_of_key(key)
    std::uint64_t bytes = 0;  // what writing it takes, head and overhead included
    bool reused = false;      // it was asked for again while it was in RAM
  };

  virtual ~AdmissionPolicy() = default;
  virtual std::string_view name() const = 0;
  // Whether to write it. `scarcity` says how little may still be written, from 0 (plenty) to 1 (next to
  // nothing): a policy asks for more as it grows.
  virtual bool admit(const Offer& offer, double scarcity) = 0;
  // Memory of the policy's own.
  virtual std::size_t footprint_bytes() const = 0;
};

}  // namespace meridian
