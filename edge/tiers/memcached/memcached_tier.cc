#include "edge/tiers/memcached/memcached_tier.h"

#include <algorithm>
#include <utility>

namespace meridian {

using memcached::WireKey;

MemcachedTier::MemcachedTier(EventLoop& loop, Resolver& resolver, memcached::Fleet& fleet)
    : loop_(loop), fleet_(fleet), stats_timer_(loop, [this] { look_after(); }) {
  for (std::size_t i = 0; i < fleet.size(); ++i) {
    lines_.push_back(std::make_unique<memcached::Line>(loop, resolver, fleet, fleet.server(i)));
  }
  stats_timer_.arm(fleet.options().stats_interval_ms);
}

std::unique_ptr<Operation> MemcachedTier::find(std::string_view key, Done done) {
  const WireKey wire_key(key);
  return line_of(wire_key).get(wire_key, key, std::move(done));
}

bool MemcachedTier::idle() const {
  return std::all_of(lines_.begin(), lines_.end(), [](const auto& line) { return line->idle(); });
}

void MemcachedTier::refresh() {
  for (const auto& line : lines_) line->ask_stats();
}

void MemcachedTier::look_after() {
  if (fleet_.take_turn_to_ask(loop_.now_ms())) refresh();
  stats_timer_.arm(fleet_.options().stats_interval_ms);
}

void MemcachedTier::get(std::string_view key, Done done) {
  const std::uint64_t id = next_get_++;
  // Moved into the lookup only if there is one; a miss at once calls it here.
  auto shared = std::make_shared<Done>(std::move(done));
  auto lookup = find(key, [this, id, shared](Ref<const Object> object) {
    const auto over = gets_.extract(id);
    (*shared)(std::move(object));
  });
  if (!lookup) return (*shared)({});
  gets_.emplace(id, std::move(lookup));
}

void MemcachedTier::put(Ref<const Object> object) {
  const std::uint32_t keep_s =
      memcached::keep_for_s(object->meta(), loop_.wall_ms() / 1000, fleet_.options().keep_stale_s);
  if (keep_s == 0 || memcached::content_bytes(*object) > fleet_.options().max_object_bytes) {
    fleet_.count_refused_object();
    return remove(object->key());
  }
  const WireKey key(object->key());
  line_of(key).set(key, *object, keep_s);
}

void MemcachedTier::remove(std::string_view key) {
  const WireKey wire_key(key);
  line_of(wire_key).remove(wire_key);
}

}  // namespace meridian
