#pragma once

#include <cstdint>
#include <vector>

namespace meridian::edge {

// Counts hits of one worker by key, to tell once that a key has become hot. Small and forgetful: two keys
// that meet in one slot take turns, and what is hot comes back. On one loop.
class HotKeys {
 public:
  explicit HotKeys(unsigned hits) : hits_(hits), slots_(kSlots) {}

  // True at the hit that makes the key hot, and not again until it is forgotten.
  bool hit(std::uint64_t hash) {
    Slot& slot = slots_[hash % kSlots];
    const auto tag = static_cast<std::uint32_t>(hash >> 40U);
    if (slot.tag != tag) slot = {tag, 0};
    if (slot.hits > hits_) return false;
    return ++slot.hits == hits_;
  }
  void forget(std::uint64_t hash) { slots_[hash % kSlots] = {}; }

 private:
  static constexpr std::size_t kSlots = std::size_t{1} << 15U;
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t hits = 0;
  };
  const unsigned hits_;
  std::vector<Slot> slots_;
};

}  // namespace meridian::edge
