#include "edge/tiers/ssd/ssd_tier.h"

#include <utility>

#include "edge/tiers/ssd/ssd_fill.h"
#include "lib/base/check.h"

namespace meridian {

using ssd::Log;
using ssd::RecordKind;

bool SsdTier::fits(std::string_view key, std::string_view head, std::uint64_t length) const {
  const std::uint64_t head_record =
      sizeof(ssd::RecordHeader) + sizeof(ObjectMeta) + key.size() + head.size() + Aes256Gcm::kTagBytes;
  return head_record <= kMostHeadRecord &&
         (length == SsdLarge::kUnknownLength || length <= max_object_bytes_);
}

ssd::RecordHeader SsdTier::header_for(RecordKind kind, std::uint64_t hash, std::uint64_t fill_id,
                                      const ObjectMeta& meta) const {
  ssd::RecordHeader header;
  header.kind = static_cast<std::uint8_t>(kind);
  header.key_id = keyring_.current();
  header.key_hash = hash;
  header.fill_id = fill_id;
  header.fill_seq = meta.fill_seq;
  return header;
}

Log::Put SsdTier::put_small(std::string_view key, const ObjectMeta& meta, std::string_view head,
                            std::span<const Slice> body, std::uint64_t length,
                            const StillValid& still_valid) {
  ssd::RecordSource source;
  source.header = header_for(RecordKind::kObject, hash_of_key(key), next_fill_id(), meta);
  source.header.key_bytes = static_cast<std::uint16_t>(key.size());
  source.header.head_or_chunk = static_cast<std::uint32_t>(head.size());
  source.header.length = length;
  source.header.body_bytes = static_cast<std::uint32_t>(length);
  source.meta = &meta;
  source.key = key;
  source.head = head;
  source.body = body;
  const Log::Put put = log_->put(source, still_valid);
  if (put == Log::Put::kDone) ssd::count(counters_.put_bytes, key.size() + head.size() + length);
  return put;
}

Log::Put SsdTier::put_head(const SsdLarge& object, const StillValid& still_valid) {
  ssd::RecordSource source;
  source.header = header_for(RecordKind::kHead, object.hash, object.fill_id, object.meta);
  source.header.key_bytes = static_cast<std::uint16_t>(object.key.size());
  source.header.head_or_chunk = static_cast<std::uint32_t>(object.head.size());
  source.header.length = object.length;
  source.meta = &object.meta;
  source.key = object.key;
  source.head = object.head;
  const Log::Put put = log_->put(source, still_valid);
  if (put == Log::Put::kDone) ssd::count(counters_.put_bytes, object.key.size() + object.head.size());
  return put;
}

Log::Put SsdTier::put_chunk_record(const SsdLarge& object, std::uint64_t chunk, std::span<const Slice> bytes,
                                   std::uint64_t size) {
  ssd::RecordSource source;
  source.header = header_for(RecordKind::kChunk, object.hash, object.fill_id, object.meta);
  source.header.key_bytes = static_cast<std::uint16_t>(object.key.size());
  source.header.head_or_chunk = static_cast<std::uint32_t>(chunk);
  source.header.length = object.length;
  source.header.body_bytes = static_cast<std::uint32_t>(size);
  source.key = object.key;
  source.body = bytes;
  const Log::Put put = log_->put(source);
  if (put == Log::Put::kDone) ssd::count(counters_.put_bytes, size);
  return put;
}

void SsdTier::refuse(std::uint64_t hash) {
  if (index_->find(hash)) log_->remove(hash);
}

bool SsdTier::admit(std::uint64_t hash, std::uint64_t bytes, bool reused) {
  MutexLock lock(admission_mutex_);
  return admission_.admit({hash, bytes, reused}, clock_.mono_ms());
}

void SsdTier::charge(std::uint64_t bytes) {
  MutexLock lock(admission_mutex_);
  admission_.charge(bytes, clock_.mono_ms());
}

double SsdTier::scarcity() {
  MutexLock lock(admission_mutex_);
  return admission_.scarcity(clock_.mono_ms());
}

void SsdTier::set_write_budget(std::uint64_t bytes_per_day) {
  MutexLock lock(admission_mutex_);
  admission_.set_budget(bytes_per_day, clock_.mono_ms());
}

Admission::Counts SsdTier::admission_counts() const {
  MutexLock lock(admission_mutex_);
  return admission_.counts();
}

bool SsdTier::put(const Ref<const Object>& object, const Offer& offer) {
  const StillValid& still_valid = offer.still_valid;
  if (!object) {
    ssd::count(counters_.refused_too_large);
    return false;
  }
  if (!fits(object->key(), object->head(), object->body_size())) {
    if (still_valid && !still_valid()) return false;
    ssd::count(counters_.refused_too_large);
    refuse(object->key_hash());
    return false;
  }
  if (!admit(object->key_hash(), object->key().size() + object->head().size() + object->body_size(),
             offer.reused)) {
    if (still_valid && !still_valid()) return false;
    ssd::count(counters_.refused_by_policy);
    refuse(object->key_hash());
    return false;
  }
  if (object->body_size() > chunk_bytes()) return put_large(*object, still_valid);
  std::vector<Slice> body;
  for (std::size_t i = 0; i < object->piece_count(); ++i) body.push_back(object->piece(i));
  switch (put_small(object->key(), object->meta(), object->head(), body, object->body_size(), still_valid)) {
    case Log::Put::kDone:
      ssd::count(counters_.inserts);
      return true;
    case Log::Put::kGone:
      return false;
    case Log::Put::kFull:
    case Log::Put::kOff:
      break;
  }
  ssd::count(counters_.shed_writes);
  refuse(object->key_hash());
  return false;
}

bool SsdTier::put_large(const Object& object, const StillValid& still_valid) {
  SsdFill fill(*this, object.key(), object.meta(), object.head(), object.body_size());
  for (std::size_t i = 0; i < object.piece_count(); ++i) {
    if (fill.append(object.piece(i)) != SsdFill::Write::kDone) break;
  }
  if (fill.commit(still_valid) == SsdFill::Write::kDone) return true;
  if (!fill.overtaken()) {
    ssd::count(counters_.shed_writes);
    refuse(object.key_hash());
  }
  return false;
}

void SsdTier::flush(std::function<void(bool)> done) { log_->flush(std::move(done)); }

std::unique_ptr<SsdFill> SsdTier::begin(std::string_view key, const ObjectMeta& meta, std::string_view head,
                                        std::optional<std::uint64_t> length, bool reused) {
  const std::uint64_t known = length.value_or(SsdLarge::kUnknownLength);
  if (!fits(key, head, known)) {
    ssd::count(counters_.refused_too_large);
    return nullptr;
  }
  if (health_.state() != ssd::Health::State::kOk) {
    ssd::count(counters_.shed_writes);
    return nullptr;
  }
  // A body of unknown length is taken for one chunk, and its fill charges what comes on top.
  if (!admit(hash_of_key(key), key.size() + head.size() + length.value_or(chunk_bytes()), reused)) {
    ssd::count(counters_.refused_by_policy);
    return nullptr;
  }
  return std::make_unique<SsdFill>(*this, key, meta, head, known);
}

bool SsdTier::may_have(std::uint64_t hash) const { return index_->find(hash).has_value(); }

bool SsdTier::may_have_chunk(const SsdLarge& object, std::uint64_t chunk) const {
  return index_->find(object.hash_of_chunk(chunk)).has_value();
}

TierStats SsdTier::stats() const {
  const auto read = [](const ssd::Counters::Count& count) { return count.load(std::memory_order_relaxed); };
  TierStats stats;
  stats.objects = index_->objects();
  stats.bytes = log_->used_bytes();
  stats.capacity_bytes = options_.size_bytes;
  stats.hits = read(counters_.hits);
  stats.misses = read(counters_.misses);
  stats.inserts = read(counters_.inserts);
  stats.evictions = read(counters_.evictions);
  stats.rejections =
      read(counters_.refused_by_policy) + read(counters_.refused_too_large) + read(counters_.shed_writes);
  return stats;
}

}  // namespace meridian
