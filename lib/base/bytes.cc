#include "lib/base/bytes.h"

#include <malloc.h>

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

std::size_t allocated_bytes(const void* memory) noexcept {
  // glibc keeps one word before each chunk; what it calls usable covers everything else.
  return malloc_usable_size(const_cast<void*>(memory)) + sizeof(std::size_t);
}

std::size_t Block::footprint_bytes() const noexcept { return allocated_bytes(this); }

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
