#pragma once

#include <cstddef>
#include <utility>

#include "lib/base/bytes.h"

namespace meridian::upstream {

// The unused rest of a block that responses are read into, behind what was read before.
struct ReadRoom {
  Ref<Block> block;
  std::size_t used = 0;  // bytes at the start that slices may refer to

  char* at() { return block->data() + used; }
  std::size_t left() const { return block ? block->capacity() - used : 0; }
};

// One worker's block between responses: a connection takes it to read and gives it back when it holds no
// unread bytes. Small responses follow one another in one block without a copy or an allocation; a block is
// only replaced when slices of it are still in use and little of it is left. On one loop.
class ReadBlocks {
 public:
  static constexpr std::size_t kBlockBytes = 64 * 1024;
  // Less room than this makes for too many small reads.
  static constexpr std::size_t kLeastRoom = 16 * 1024;

  ReadRoom take() { return fresh(std::exchange(spare_, ReadRoom())); }
  void give_back(ReadRoom room) {
    if (room.left() >= spare_.left()) spare_ = std::move(room);
  }
  // The room as it is if it will do, else one that will: rewound when nobody refers to it any more.
  static ReadRoom fresh(ReadRoom room) {
    if (room.block && room.block->unique()) room.used = 0;
    if (room.left() < kLeastRoom) room = ReadRoom{Block::allocate(kBlockBytes), 0};
    return room;
  }

 private:
  ReadRoom spare_;
};

}  // namespace meridian::upstream
