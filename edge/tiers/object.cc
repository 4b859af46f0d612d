#include "edge/tiers/object.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "lib/base/check.h"
#include "lib/base/hash.h"

namespace meridian {

static_assert(sizeof(Object) == 64, "every stored object pays for each byte of this");
static_assert(alignof(Slice) <= alignof(Object));

namespace {

std::uint64_t total_size(std::span<const Slice> body) {
  std::uint64_t total = 0;
  for (const Slice& slice : body) total += slice.size;
  return total;
}

char* append(char* to, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

bool storable(std::string_view key, std::string_view head) {
  return key.size() <= Object::kMaxKey && head.size() <= Object::kMaxHead;
}

void* allocate(std::size_t size) {
  void* memory = std::malloc(size);
  CHECK(memory != nullptr);
  return memory;
}

// The allocations that the slices keep alive, each once.
std::size_t block_bytes(std::span<const Slice> body) {
  if (body.size() == 1) return body[0].owner ? body[0].owner->footprint_bytes() : 0;
  std::vector<const RefCounted*> owners;
  owners.reserve(body.size());
  for (const Slice& slice : body) {
    if (slice.owner) owners.push_back(slice.owner.get());
  }
  std::sort(owners.begin(), owners.end());
  owners.erase(std::unique(owners.begin(), owners.end()), owners.end());
  std::size_t bytes = 0;
  for (const RefCounted* owner : owners) bytes += owner->footprint_bytes();
  return bytes;
}

}  // namespace

std::uint64_t hash_of_key(std::string_view key) { return hash_bytes(key); }

std::uint64_t Object::key_hash() const { return hash_of_key(key()); }

char* Object::write_text(std::string_view key, std::string_view head) {
  return append(append(const_cast<char*>(text()), key), head);
}

Ref<Object> Object::make(std::string_view key, const ObjectMeta& meta, std::string_view head,
                         std::span<const Slice> body) {
  if (!storable(key, head)) return {};
  const std::uint64_t size = total_size(body);
  void* memory = allocate(sizeof(Object) + key.size() + head.size() + size);
  Ref<Object> object = Ref<Object>::adopt(new (memory) Object(key, meta, head.size(), size, false));
  char* to = object->write_text(key, head);
  for (const Slice& slice : body) to = append(to, slice.view());
  return object;
}

Ref<Object> Object::make_large(std::string_view key, const ObjectMeta& meta, std::string_view head,
                               std::span<const Slice> body) {
  if (!storable(key, head)) return {};
  const std::size_t list = sizeof(Large) + body.size() * sizeof(Slice);
  char* memory = static_cast<char*>(allocate(sizeof(Object) + list + key.size() + head.size()));
  Ref<Object> object =
      Ref<Object>::adopt(new (memory) Object(key, meta, head.size(), total_size(body), true));
  new (memory + sizeof(Object)) Large{body.size(), block_bytes(body)};
  char* to = memory + sizeof(Object) + sizeof(Large);
  for (const Slice& slice : body) to = reinterpret_cast<char*>(new (to) Slice(slice) + 1);
  object->write_text(key, head);
  return object;
}

Ref<Object> Object::make_far(std::string_view key, const ObjectMeta& meta, std::string_view head,
                             std::uint64_t body_size, Ref<const RefCounted> body) {
  const Slice place{std::move(body), nullptr, 0};
  Ref<Object> object = make_large(key, meta, head, {&place, 1});
  if (object) object->packed_ |= body_size << kBodyShift | kColdCopyBit;
  return object;
}

const RefCounted* Object::far_body() const {
  if (!is_large() || large().count != 1 || slices()[0].data != nullptr) return nullptr;
  return slices()[0].owner.get();
}

Slice Object::piece(std::size_t index) const {
  DCHECK(index < piece_count());
  if (is_large()) return slices()[index];
  const std::string_view body = inline_body();
  return {Ref<const RefCounted>::share(this), body.data(), body.size()};
}

std::string_view Object::inline_body() const {
  if (is_large()) return {};
  return {text() + key_size() + head_size_, body_size()};
}

Ref<Object> Object::with(const ObjectMeta& meta, std::string_view head) const {
  if (far_body() != nullptr) return make_far(key(), meta, head, body_size(), slices()[0].owner);
  if (is_large()) return make_large(key(), meta, head, {slices(), large().count});
  const Slice body = Slice::of_static(inline_body());
  return make(key(), meta, head, {&body, 1});
}

std::size_t Object::footprint_bytes() const noexcept {
  return allocated_bytes(this) + (is_large() ? large().block_bytes : 0);
}

void Object::destroy() const noexcept {
  auto* self = const_cast<Object*>(this);
  if (is_large()) std::destroy_n(const_cast<Slice*>(slices()), large().count);
  self->~Object();
  std::free(self);
}

}  // namespace meridian
