#include "edge/store.h"

#include <optional>
#include <utility>
#include <vector>

#include "edge/stored_object.h"

namespace meridian::edge {
namespace {

constexpr std::uint64_t kMostChunksLookedAt = 256;
// Of the bytes that memory holds, how many SSD may have served between two hits of what is promoted. A copy
// into memory costs what about three hits there save (bench/tiers, 64 KiB), so it must be likely to be hit as
// often before it leaves again.
constexpr std::uint64_t kWindowShare = 4;
// A head that is fresh for less than this would be stale again when the tier behind RAM is asked for it, so
// it is not worth writing the body there once more.
constexpr std::uint32_t kWorthRewritingS = 60;

// The same object in memory of its own: what a tier has read into is needed for the next read.
Ref<const Object> own_copy(const Object& object, const std::shared_ptr<PageFile>& pages) {
  std::vector<Slice> body;
  std::optional<PageWriter> writer;
  if (pages && object.body_size() > Object::kInlineBody) writer.emplace(pages, object.body_size());
  for (std::size_t i = 0; i < object.piece_count(); ++i) {
    Slice piece = object.piece(i);
    if (!writer && object.body_size() > Object::kInlineBody) {
      body.push_back(Slice::copy_of(piece.view()));
      continue;
    }
    while (writer && piece.size > 0) {
      const Slice copy = writer->take(piece);
      body.push_back(copy.owner && copy.owner->file_place(copy.data).fd < 0 ? Slice::copy_of(copy.view())
                                                                            : copy);
    }
    if (!writer) body.push_back(std::move(piece));
  }
  writer.reset();
  Ref<Object> copy = Object::from_fill(object.key(), object.meta(), object.head(), body);
  if (copy && object.has_cold_copy()) copy->mark_cold_copy();
  return copy;
}

}  // namespace

std::size_t FarBody::footprint_bytes() const noexcept {
  return allocated_bytes(this) + sizeof(SsdLarge) + large_->key.capacity() + large_->head.capacity();
}

Store::Store(RamTier& ram, std::shared_ptr<PageFile> pages, ColdTiers& cold, EventLoop& loop,
             Resolver& resolver)
    : ram_(ram), pages_(std::move(pages)), cold_(&cold), loop_(&loop) {
  if (cold.fleet() != nullptr) memcached_ = std::make_unique<MemcachedTier>(loop, resolver, *cold.fleet());
}

void Store::use_ssd() {
  SsdTier* const ssd = cold_->ssd();
  if (ssd != nullptr && !ssd_) ssd_ = std::make_unique<SsdReader>(*ssd, *loop_);
}

bool Store::put_if(const Ref<const Object>& object, const std::function<bool()>& still_valid) {
  const bool stored = ram_.put_if(object, still_valid);
  if (!stored || !object) return stored;
  const std::uint64_t hash = object->key_hash();
  if (cold_ != nullptr) cold_->remove_from_ssd(hash);
  if (!memcached_) return stored;
  const bool was_shared = cold_->hot().is_shared(hash, 0);
  if (cold_->hot().on_store(hash, memcached::content_bytes(*object))) {
    share(object);
  } else if (was_shared) {
    memcached_->remove(object->key());
  }
  return stored;
}

Ref<Object> Store::freshened(const Object& stale, const ObjectMeta& meta, std::string_view head) const {
  Ref<Object> fresh = stale.with(meta, head);
  // Otherwise SSD gets it when RAM has no room for it any more.
  if (!fresh) return fresh;
  const bool writes_through = ssd_ && fresh->far_body() == nullptr && meta.lifetime_s >= kWorthRewritingS &&
                              fresh->body_size() <= cold_->ssd()->chunk_bytes() &&
                              cold_->ssd()->may_have(stale.key_hash());
  if (writes_through) fresh->mark_cold_copy();
  return fresh;
}

void Store::replace(const Object& stale, const Ref<const Object>& fresh,
                    const std::function<bool()>& still_valid) {
  if (!ram_.replace(stale, fresh)) {
    if (!stale.has_cold_copy()) return;
    // It was in no RAM when it was asked about.
    const bool borrows = fresh->far_body() == nullptr && fresh->body_size() <= ram_.max_object_bytes();
    if (!ram_.put_if_absent(borrows ? own_copy(*fresh, pages_) : fresh, still_valid)) return;
  }
  freshen_behind(fresh, still_valid);
}

// What the tiers behind RAM have of it would be asked about again, once RAM has let go of it.
void Store::freshen_behind(const Ref<const Object>& fresh, const std::function<bool()>& still_valid) {
  const std::uint64_t hash = fresh->key_hash();
  if (ssd_ && fresh->has_cold_copy() && cold_->ssd()->may_have(hash)) {
    if (fresh->far_body() == nullptr) {
      cold_->ssd()->freshen(*fresh, still_valid);
    } else if (far_body_of(*fresh).on_ssd()) {
      cold_->ssd()->freshen(large_of(*fresh), fresh->meta(), fresh->head(), still_valid);
    }
  }
  if (memcached_ && fresh->far_body() == nullptr &&
      cold_->hot().is_shared(hash, memcached::content_bytes(*fresh))) {
    share(fresh);
  }
}

void Store::remove(std::string_view key) {
  ram_.remove(key);
  remove_behind(key);
}

void Store::remove_if(const Object& object) {
  if (ram_.remove_if(object)) remove_behind(object.key());
}

void Store::remove_behind(std::string_view key) {
  if (cold_ != nullptr) cold_->remove_from_ssd(hash_of_key(key));
  if (memcached_) memcached_->remove(key);
}

void Store::share_if_hot(const Ref<const Object>& object) {
  if (cold_->hot().on_hit(object->key_hash(), memcached::content_bytes(*object))) share(object);
}

void Store::share(const Ref<const Object>& object) {
  const unsigned ours = kObjectHitForMiss | kObjectVaryIndex;
  if ((object->meta().flags & ours) != 0 || object->is_hot_copy() || is_dead(*object)) return;
  memcached_->put(object);
}

bool Store::is_dead(const Object& object) const {
  return cold_->removals().covers(primary_hash_of(object.key()), object.meta().response_time_s, true);
}

// The index of SSD knows what is there, so that is asked first: a disk of our own is nearer than a server of
// the region, and what it does not have costs no time.
void Store::recall(std::uint64_t hash, std::string_view key, Recalled done) {
  if (!ssd_ || !cold_->ssd()->may_have(hash)) return ask_memcached(std::string(key), std::move(done));
  std::string wanted(memcached_ ? key : std::string_view());
  auto take = [this, wanted = std::move(wanted), done = std::move(done)](const SsdFound& found) mutable {
    if (!found) return ask_memcached(std::move(wanted), std::move(done));
    if (found.object) return done(found.object);
    const SsdLarge& large = *found.large;
    done(Object::make_far(large.key, large.meta, large.head, large.length, FarBody::of(found.large)));
  };
  ssd_->find(hash, key, std::move(take)).detach();
}

std::uint64_t Store::max_body_bytes() const {
  return ssd_ ? std::max(ram_.max_object_bytes(), cold_->ssd()->max_object_bytes()) : ram_.max_object_bytes();
}

std::unique_ptr<SsdFill> Store::begin_fill(std::string_view key, const ObjectMeta& meta,
                                           std::string_view head, std::optional<std::uint64_t> length) {
  return ssd_ ? cold_->ssd()->begin(key, meta, head, length) : nullptr;
}

void Store::filled(std::string_view key) {
  ram_.remove(key);
  if (memcached_) memcached_->remove(key);
}

bool Store::has_body(const Object& object) const {
  if (!ssd_ || !far_body_of(object).on_ssd()) return false;
  const SsdLarge& large = large_of(object);
  // The log gives up neighbours together, so of a very large body a sample tells enough; what it misses cuts
  // the response.
  const std::uint64_t last = large.chunk_count() - 1;
  const std::uint64_t step = std::max<std::uint64_t>(1, last / kMostChunksLookedAt);
  for (std::uint64_t chunk = 0; chunk < last; chunk += step) {
    if (!cold_->ssd()->may_have_chunk(large, chunk)) return false;
  }
  return cold_->ssd()->may_have_chunk(large, last);
}

SsdRead Store::read_body(const SsdLarge& large, std::uint64_t chunk, SsdReader::OnChunk done) {
  if (ssd_) return ssd_->read_chunk(large, chunk, std::move(done), WhenBusy::kWait);
  done({});
  return {};
}

bool Store::comes_again_soon(const Object& object) {
  return warm_.hit(object.key_hash(), object.body_size(), ram_.capacity_bytes() / kWindowShare);
}

void Store::note_far_hit(const Ref<const Object>& object) {
  if (!ssd_ || !far_body_of(*object).on_ssd() || object->body_size() > ram_.max_object_bytes()) return;
  if (!comes_again_soon(*object)) return;
  const std::uint64_t hash = object->key_hash();
  if (!promoting_.insert(hash).second) return;
  ssd_->gather(far_body_of(*object).shared_large(),
               [this, hash, far = object](const Ref<const Object>& whole) {
                 promoting_.erase(hash);
                 if (!whole) return;
                 // Under the head that RAM has, which may have been confirmed since it was written. Anything
                 // else that came to RAM meanwhile is newer.
                 const Ref<const Object> copy = own_copy(*whole, pages_);
                 if (copy) ram_.replace(*far, copy->with(far->meta(), far->head()));
               });
}

void Store::ask_memcached(std::string key, Recalled done) {
  if (!memcached_) return done({});
  memcached_->get(key, [this, done = std::move(done)](Ref<const Object> found) {
    if (found && is_dead(*found)) found.reset();
    if (found) cold_->hot().on_found(found->key_hash());
    done(std::move(found));
  });
}

Ref<const Object> Store::promote(Ref<const Object> object, const std::function<bool()>& still_valid) {
  if (object->far_body() != nullptr) {
    // Its head is worth remembering: the next time nothing has to be read to judge it.
    ram_.put_if_absent(object, still_valid);
    return object;
  }
  const bool from_ssd = object->has_cold_copy();
  // The list of a key's variants is needed for all of them.
  const bool is_list = (object->meta().flags & kObjectVaryIndex) != 0;
  if (from_ssd && !is_list && !comes_again_soon(*object)) return object;
  if (object->body_size() > ram_.max_object_bytes()) return object;
  Ref<const Object> copy = own_copy(*object, pages_);
  if (!copy) return object;
  ram_.put_if_absent(copy, still_valid);
  return copy;
}

}  // namespace meridian::edge
