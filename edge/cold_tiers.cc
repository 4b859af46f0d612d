#include "edge/cold_tiers.h"

#include <utility>

#include "edge/stored_object.h"

namespace meridian::edge {

void ColdTiers::set_ssd(std::unique_ptr<SsdTier> ssd) {
  owned_ssd_ = std::move(ssd);
  ssd_.store(owned_ssd_.get(), std::memory_order_release);
}

void ColdTiers::take_evicted(const RamTier::Evicted& evicted) {
  SsdTier* const ssd = this->ssd();
  const Object& object = *evicted.object;
  // A marker lives for seconds.
  if (ssd == nullptr || (object.meta().flags & kObjectHitForMiss) != 0) return;
  if (object.is_hot_copy()) return;
  // Its body is there; what RAM had was the head.
  if (object.far_body() != nullptr) return;
  // It came from there, and is there still.
  if (object.has_cold_copy() && ssd->may_have(object.key_hash())) return;
  SsdTier::Offer offer;
  offer.reused = evicted.reused;
  const std::uint64_t primary = primary_hash_of(object.key());
  const std::int64_t time_s = object.meta().response_time_s;
  // An invalidation is noted before it removes. So either this sees it, or its removal comes after this.
  offer.still_valid = [this, primary, time_s] { return !removals_.covers(primary, time_s, false); };
  ssd->put(evicted.object, offer);
}

}  // namespace meridian::edge
