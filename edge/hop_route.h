#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/wire/hop.h"
#include "lib/wire/ring.h"

// Which edges are asked for a key, in which order, before the origin is: docs/peers.md, as pure functions.
namespace meridian::edge {

// The edges of one region as an edge sees them. Immutable.
struct RegionRing {
  static constexpr std::uint16_t kSelf = 0xffff;

  std::string name;
  wire::Ring ring;
  std::vector<std::uint16_t> edges;       // by place in the ring: the number of the edge; kSelf for this one
  std::optional<wire::Ring::Index> self;  // its place, when it is one of them
};

// How an edge is, as far as this one knows.
struct EdgeState {
  bool usable = true;         // its breaker lets requests through
  std::uint32_t running = 0;  // requests of ours that are under way there
};

struct RouteQuestion {
  std::uint64_t hash = 0;                     // Ring::hash_of() the primary key
  wire::HopRole came = wire::HopRole::kNone;  // as what this edge was asked itself
  const RegionRing* own = nullptr;            // its region; none: it is alone
  const RegionRing* shield = nullptr;         // the site's shield, when that is another region
  unsigned choices = 2;                       // of each region
  double load_bound = 1.25;
  std::uint32_t load_least = 0;
};

struct HopStep {
  wire::HopRole role = wire::HopRole::kNone;
  std::uint16_t edge = 0;
  bool operator==(const HopStep&) const = default;
};

// Edges in the order in which they are asked; behind them comes the origin.
struct HopRoute {
  static constexpr std::size_t kMostChoices = 8;

  std::array<HopStep, 2 * kMostChoices> steps = {};
  std::size_t size = 0;
  // Whose turn it was, and who is not asked.
  unsigned broken = 0;
  unsigned loaded = 0;

  std::span<const HopStep> view() const { return {steps.data(), size}; }
};

// `state_of` is asked about the edges of the regions in question.
HopRoute choose_route(const RouteQuestion& question, const std::function<EdgeState(std::uint16_t)>& state_of);

}  // namespace meridian::edge
