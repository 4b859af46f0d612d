#pragma once

#include <cstdint>
#include <vector>

namespace meridian::edge {

// Tells which of the keys that one worker serves from a slow tier come again so soon that memory would keep
// them: within so many bytes of other hits (the stack distance; Mattson et al., "Evaluation techniques for
// storage hierarchies", 1970). What comes again later would push something out of memory, and be pushed out
// before it was worth the copy. Bytes are those of this worker: of n workers each sees an nth of them, and of
// the key's hits too. Small and forgetful: two keys that meet in one slot take turns. On one loop.
class SoonAgain {
 public:
  SoonAgain() : slots_(kSlots) {}

  // A hit of that many bytes. True when the last one of this key was at most `window_bytes` ago, and then not
  // before it has come twice again.
  bool hit(std::uint64_t hash, std::uint64_t bytes, std::uint64_t window_bytes) {
    Slot& slot = slots_[hash % kSlots];
    const std::uint64_t tag = hash >> kTagShift;
    const bool again =
        slot.last_bytes != 0 && slot.tag == tag && served_bytes_ - slot.last_bytes <= window_bytes;
    served_bytes_ += bytes;
    slot = again ? Slot{} : Slot{tag, served_bytes_};
    return again;
  }

 private:
  static constexpr std::size_t kSlots = std::size_t{1} << 15U;
  static constexpr unsigned kTagShift = 15;
  struct Slot {
    std::uint64_t tag = 0;
    std::uint64_t last_bytes = 0;  // of all that was served; 0: free
  };
  std::uint64_t served_bytes_ = 1;
  std::vector<Slot> slots_;
};

}  // namespace meridian::edge
