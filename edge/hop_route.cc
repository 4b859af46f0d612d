#include "edge/hop_route.h"

#include <algorithm>

namespace meridian::edge {
namespace {

using wire::HopRole;
using wire::Ring;
using StateOf = std::function<EdgeState(std::uint16_t)>;

// The sum over a region of what is running there; as far as this edge knows, it has nothing running at
// itself.
std::uint64_t running_in(const RegionRing& region, const StateOf& state_of) {
  std::uint64_t total = 0;
  for (const std::uint16_t edge : region.edges) {
    if (edge != RegionRing::kSelf) total += state_of(edge).running;
  }
  return total;
}

// The key's choices in a region, down to this edge itself: what comes behind it in the order has no better
// claim to the key than this one. An edge that is broken is left out; one with too much running is asked only
// when there is nobody else, not even ourselves.
void add_region(const RegionRing& region, HopRole role, const RouteQuestion& question,
                const StateOf& state_of, HopRoute& to) {
  std::array<Ring::Index, HopRoute::kMostChoices> room;
  const std::size_t most = std::min<std::size_t>(question.choices, room.size());
  const std::span<const Ring::Index> order = region.ring.order(question.hash, std::span(room).first(most));
  const std::size_t first = to.size;
  std::optional<std::uint64_t> total;
  std::optional<std::uint16_t> loaded;
  bool reached_self = false;
  for (const Ring::Index place : order) {
    const std::uint16_t edge = region.edges[place];
    reached_self = edge == RegionRing::kSelf;
    if (reached_self) break;
    const EdgeState state = state_of(edge);
    if (!state.usable) {
      ++to.broken;
      continue;
    }
    if (state.running >= question.load_least && region.ring.size() > 1) {
      if (!total) total = running_in(region, state_of);
      if (state.running >= region.ring.load_limit(place, *total, question.load_bound)) {
        ++to.loaded;
        if (!loaded) loaded = edge;
        continue;
      }
    }
    to.steps[to.size++] = {role, edge};
  }
  if (loaded && to.size == first && !reached_self) {
    --to.loaded;
    to.steps[to.size++] = {role, *loaded};
  }
}

}  // namespace

HopRoute choose_route(const RouteQuestion& question, const StateOf& state_of) {
  HopRoute route;
  // Within the region: for a client to the owner, and in the shield region for whom another region has asked
  // by a list that is not ours. Nobody is asked twice in one region.
  const HopRole inside = question.came == HopRole::kNone     ? HopRole::kPeer
                         : question.came == HopRole::kShield ? HopRole::kShieldPeer
                                                             : HopRole::kNone;
  if (question.own != nullptr && inside != HopRole::kNone && wire::may_follow(question.came, inside))
    add_region(*question.own, inside, question, state_of, route);
  if (question.shield != nullptr && wire::may_follow(question.came, HopRole::kShield))
    add_region(*question.shield, HopRole::kShield, question, state_of, route);
  return route;
}

}  // namespace meridian::edge
