#include "edge/recall.h"

#include <utility>

#include "edge/worker.h"

namespace meridian::edge {

void Recall::start(Request& asker, std::uint64_t hash, std::string_view key, std::uint64_t primary_hash,
                   std::uint32_t generation) {
  asker_ = &asker;
  hash_ = hash;
  primary_hash_ = primary_hash;
  generation_ = generation;
  worker_.store().recall(hash, key, [this](Ref<const Object> found) { end(std::move(found)); });
}

// The generation counts before anything is removed, the note comes between: a recall that began in between
// has the new generation, and may have found what is being removed.
bool Recall::still_valid(std::int64_t response_time_s) const {
  return worker_.fills().generation(primary_hash_) == generation_ &&
         !worker_.store().was_removed(primary_hash_, response_time_s);
}

void Recall::end(Ref<const Object> object) {
  if (object) {
    const std::int64_t time_s = object->meta().response_time_s;
    const auto valid = [this, time_s] { return still_valid(time_s); };
    object = worker_.store().promote(std::move(object), valid);
    // Promoting leaves the loop no time, but other threads some.
    if (!valid()) object.reset();
  }
  // Who asks from here on finds what was promoted, or asks again.
  const std::shared_ptr<Fill> others = worker_.recalls().end(hash_, this);
  Request* const asker = std::exchange(asker_, nullptr);
  worker_.give_recall(*this);
  if (asker != nullptr) asker->take_recalled(object);
  if (!others) return;
  if (object) {
    others->publish_object(std::move(object), 0, true);
  } else {
    others->abandon();
  }
}

}  // namespace meridian::edge
