#include <vector>

#include "edge/tiers/ssd/ssd_tier.h"

// A newer head for a body that stays: what a validation at the origin gives.
namespace meridian {

using ssd::Log;

bool SsdTier::freshen(const Object& fresh, const StillValid& still_valid) {
  if (fresh.body_size() > chunk_bytes() || !fits(fresh.key(), fresh.head(), fresh.body_size())) return false;
  if (!may_rewrite()) return false;
  std::vector<Slice> body;
  for (std::size_t i = 0; i < fresh.piece_count(); ++i) body.push_back(fresh.piece(i));
  if (put_small(fresh.key(), fresh.meta(), fresh.head(), body, fresh.body_size(), still_valid) !=
      Log::Put::kDone) {
    return false;
  }
  charge(fresh.key().size() + fresh.head().size() + fresh.body_size());
  return true;
}

// Chunks belong to the fill, not to the head.
bool SsdTier::freshen(const SsdLarge& large, const ObjectMeta& meta, std::string_view head,
                      const StillValid& still_valid) {
  if (!fits(large.key, head, large.length) || !may_rewrite()) return false;
  SsdLarge fresh = large;
  fresh.meta = meta;
  fresh.head = head;
  if (put_head(fresh, still_valid) != Log::Put::kDone) return false;
  charge(fresh.key.size() + fresh.head.size());
  return true;
}

}  // namespace meridian
