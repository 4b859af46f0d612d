#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "edge/store.h"
#include "edge/stored_object.h"

// Bodies that are filled slice by slice. A slice is an object of its own in RAM, evicted by itself, and then
// offered to SSD, where it becomes chunks of its body. A filling has an id that no other one has, so slices
// of an older version are not found by the head of a newer one: to discard them it is enough to drop the
// head.
namespace meridian::edge {
namespace {

// Without a disk: what slices are multiples of.
constexpr std::uint64_t kRamUnit = 64 << 10;

}  // namespace

Ref<const Object> Store::begin_sliced(std::string_view key, const ObjectMeta& meta, std::string_view head,
                                      std::uint64_t length, std::uint64_t slice_bytes, const Object* replaces,
                                      const std::function<bool()>& still_valid) {
  std::shared_ptr<const SsdLarge> large;
  if (ssd_) large = cold_->ssd()->prepare_chunks(key, meta, head, length);
  const bool on_ssd = large != nullptr;
  if (!on_ssd) {
    if (slice_bytes > ram_.max_object_bytes()) return {};
    std::random_device random;
    const std::uint64_t id = (std::uint64_t{random()} << 32U) | random();
    large = std::make_shared<const SsdLarge>(
        SsdLarge{std::string(key), hash_of_key(key), id, meta, std::string(head), length, kRamUnit});
  }
  Ref<const Object> made = Object::make_far(key, meta, head, length, FarBody::of(large, on_ssd));
  const std::uint64_t hash = large->hash;
  // Whoever comes first to RAM is the one: then all others fill the same.
  const bool is_first =
      made && ram_.put_if(made, [&] { return still_valid() && ram_.find(hash, key).get() == replaces; });
  if (!is_first) return {};
  const bool shown = on_ssd && cold_->ssd()->show_chunks(*large);
  // Who invalidated it before it was shown has not found it.
  const bool is_dead = shown && !still_valid();
  if ((is_dead || !shown) && cold_ != nullptr) cold_->remove_from_ssd(hash);
  if (memcached_) memcached_->remove(key);
  return made;
}

bool Store::belongs_on_ssd(const Object& object) const {
  const FarBody& body = far_body_of(object);
  return ssd_ && !body.on_ssd() &&
         cold_->ssd()->takes_chunks(object.key(), object.head(), object.body_size());
}

Ref<const Object> Store::find_slice(const Object& object, std::uint64_t begin) {
  slice_key(object.key(), large_of(object).fill_id, begin, slice_key_);
  return ram_.find(hash_of_key(slice_key_), slice_key_);
}

bool Store::has_of_slice(const Object& object, std::uint64_t begin, const Span& wanted) {
  const Ref<const Object> in_ram = find_slice(object, begin);
  if (in_ram && wanted.end <= begin + in_ram->body_size()) return true;
  const std::uint64_t chunk_bytes = large_of(object).chunk_bytes;
  for (std::uint64_t at = wanted.begin; at < wanted.end; at += chunk_bytes - at % chunk_bytes) {
    if (!has_chunk_at(object, at)) return false;
  }
  return true;
}

bool Store::has_chunk_at(const Object& object, std::uint64_t at) const {
  const FarBody& body = far_body_of(object);
  return ssd_ && body.on_ssd() && cold_->ssd()->may_have_chunk(body.large(), at / body.large().chunk_bytes);
}

bool Store::put_slice(const Object& object, std::uint64_t begin, const ObjectMeta& meta,
                      std::span<const Slice> body, const std::function<bool()>& still_valid) {
  const FarBody& far = far_body_of(object);
  std::uint64_t bytes = 0;
  for (const Slice& piece : body) bytes += piece.size;
  slice_key(object.key(), far.large().fill_id, begin, slice_key_);
  if (bytes <= ram_.max_object_bytes()) {
    ObjectMeta own;
    own.fill_seq = meta.fill_seq;
    own.response_time_s = meta.response_time_s;
    own.site = meta.site;
    const std::string length = std::to_string(object.body_size());
    const Ref<const Object> slice = Object::from_fill(slice_key_, own, length, body);
    return slice && ram_.put_if(slice, still_valid);
  }
  if (!ssd_ || !far.on_ssd() || !still_valid()) return false;
  return cold_->ssd()->offer_chunks(far.large(), begin, body, hash_of_key(slice_key_), false);
}

void Store::drop_sliced(const Object& object) {
  const Ref<const Object> now = ram_.find(object.key_hash(), object.key());
  // By its filling, as a 304 may have given it another head since.
  const bool another =
      now && (now->far_body() == nullptr || large_of(*now).fill_id != large_of(object).fill_id);
  if (!another) remove(object.key());
}

}  // namespace meridian::edge
