#include "lib/base/bytes.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "lib/base/check.h"

namespace meridian {

Ref<Block> Block::allocate(std::size_t capacity) {
  void* memory = std::malloc(sizeof(Block) + capacity);
  CHECK(memory != nullptr);
  return Ref<Block>::adopt(new (memory) Block(capacity));
}

void Block::destroy() const noexcept {
  auto* self = const_cast<Block*>(this);
  self->~Block();
  std::free(self);
}

Slice Slice::copy_of(std::string_view bytes) {
  Ref<Block> block = Block::allocate(bytes.size());
  if (!bytes.empty()) std::memcpy(block->data(), bytes.data(), bytes.size());
  const char* data = block->data();
  return {std::move(block), data, bytes.size()};
}

}  // namespace meridian
