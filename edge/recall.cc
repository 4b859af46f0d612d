#include "edge/recall.h"

#include <utility>

#include "edge/worker.h"

namespace meridian::edge {

Recall::Recall(Worker& worker, std::shared_ptr<Fill> fill, std::uint64_t primary_hash,
               std::uint64_t generation)
    : worker_(worker), fill_(std::move(fill)), primary_hash_(primary_hash), generation_(generation) {
  worker_.board().produce(*fill_, *this);
}

Recall::~Recall() { worker_.board().stop_producing(*fill_); }

void Recall::start(const std::string& key) {
  worker_.store().recall(hash_of_key(key), key, [self = shared_from_this()](Ref<const Object> found) {
    self->end(std::move(found));
  });
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
    if (valid()) object = worker_.store().promote(std::move(object), valid);
    // Looked at again, as promoting leaves the loop no time but other threads some.
    if (!valid()) object.reset();
  }
  worker_.fills().close(hash_of_key(fill_->key()), fill_->key(), *fill_);
  if (object) {
    fill_->publish_object(std::move(object), 0, true);
  } else {
    fill_->abandon();
  }
}

}  // namespace meridian::edge
