#include "edge/cold_tiers.h"

#include <charconv>
#include <utility>
#include <vector>

#include "edge/slice_plan.h"
#include "edge/stored_object.h"

namespace meridian::edge {

bool ColdTiers::set_ssd(std::unique_ptr<SsdTier> ssd) {
  for (;;) {
    std::vector<std::uint64_t> missed;
    {
      MutexLock lock(missed_mutex_);
      if (missed_too_many_) {
        missed_too_many_ = false;
        missed_.clear();
        return false;
      }
      missed.swap(missed_);
      // From here on nobody misses it.
      if (missed.empty()) {
        owned_ssd_ = std::move(ssd);
        ssd_.store(owned_ssd_.get(), std::memory_order_release);
        return true;
      }
    }
    for (const std::uint64_t hash : missed) {
      if (ssd->may_have(hash)) ssd->remove(hash);
    }
  }
}

void ColdTiers::remove_from_ssd(std::uint64_t hash) {
  if (!expects_ssd_) return;
  if (ssd() == nullptr) {
    MutexLock lock(missed_mutex_);
    if (ssd() == nullptr) {
      if (missed_.size() < kMostMissed) {
        missed_.push_back(hash);
      } else {
        missed_too_many_ = true;
      }
      return;
    }
  }
  if (ssd()->may_have(hash)) ssd()->remove(hash);
}

void ColdTiers::take_evicted(const RamTier& ram, const RamTier::Evicted& evicted) {
  SsdTier* const ssd = this->ssd();
  const Object& object = *evicted.object;
  // A marker lives for seconds.
  if (ssd == nullptr || (object.meta().flags & kObjectHitForMiss) != 0) return;
  if (object.is_hot_copy()) return;
  if (is_slice(object.meta())) return take_slice(*ssd, object, evicted.reused);
  // Its body is there; what RAM had was the head.
  if (object.far_body() != nullptr) return;
  // It came from there, and is there still.
  if (object.has_cold_copy() && ssd->may_have(object.key_hash())) return;
  SsdTier::Offer offer;
  offer.reused = evicted.reused;
  const std::uint64_t primary = primary_hash_of(object.key());
  const std::int64_t time_s = object.meta().response_time_s;
  // It was invalidated, or what RAM has of its key by now is newer.
  const auto is_overtaken = [&] {
    return removals_.covers(primary, time_s, false) || ram.has(object.key_hash(), object.key());
  };
  offer.still_valid = [&] { return !is_overtaken(); };
  // Either may happen between the two. Who invalidates notes it before he looks at SSD, and who stores into
  // RAM looks at SSD afterwards; this is the other way round, so one of them sees what the other has done.
  if (ssd->put(evicted.object, offer) && is_overtaken()) ssd->remove(object.key());
}

// A slice goes where its head is: among the chunks of that very filling. Without the head nobody would find
// it, and what was invalidated has none.
void ColdTiers::take_slice(SsdTier& ssd, const Object& slice, bool reused) {
  SliceKey key;
  std::uint64_t length = 0;
  const std::string_view head = slice.head();
  if (!parse_slice_key(slice.key(), key) ||
      std::from_chars(head.data(), head.data() + head.size(), length).ec != std::errc()) {
    return;
  }
  const std::uint64_t hash = hash_of_key(key.object);
  if (!ssd.may_have(hash)) return;
  const SsdLarge large{std::string(key.object), hash,   key.fill_id,      slice.meta(),
                       std::string(),           length, ssd.chunk_bytes()};
  if (ssd.may_have_chunk(large, key.begin / large.chunk_bytes)) return;
  std::vector<Slice> body;
  for (std::size_t i = 0; i < slice.piece_count(); ++i) body.push_back(slice.piece(i));
  ssd.offer_chunks(large, key.begin, body, slice.key_hash(), reused);
}

}  // namespace meridian::edge
