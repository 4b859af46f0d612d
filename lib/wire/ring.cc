#include "lib/wire/ring.h"

#include <algorithm>
#include <array>
#include <bit>

#include "lib/base/check.h"
#include "lib/base/hash.h"

namespace meridian::wire {
namespace {

constexpr std::uint64_t kKeySeed = 0x6D726452696E674BULL;
constexpr std::uint64_t kNameSeed = 0x6D726452696E674EULL;

// log2(1 + i / 1024) in units of 2^-32, digit by digit: squaring a number doubles its logarithm.
constexpr unsigned kSteps = 10;
constexpr std::size_t kTableSize = (std::size_t{1} << kSteps) + 1;
constexpr std::array<std::uint64_t, kTableSize> make_table() {
  std::array<std::uint64_t, kTableSize> table{};
  for (std::size_t i = 0; i < kTableSize - 1; ++i) {
    // In units of 2^-31, so that its square fits.
    std::uint64_t x = (std::uint64_t{1} << 31U) + (static_cast<std::uint64_t>(i) << (31U - kSteps));
    std::uint64_t log = 0;
    for (int bit = 31; bit >= 0; --bit) {
      x = (x * x) >> 31U;
      if (x >= std::uint64_t{1} << 32U) {
        x >>= 1U;
        log |= std::uint64_t{1} << static_cast<unsigned>(bit);
      }
    }
    table[i] = log;
  }
  table[kTableSize - 1] = std::uint64_t{1} << 32U;
  return table;
}
constexpr std::array<std::uint64_t, kTableSize> kLog2 = make_table();

// -log2(u / 2^64) in units of 2^-32; at least 1. Between the entries of the table it is a straight line,
// which is off by less than 2e-7.
constexpr std::uint64_t distance_of(std::uint64_t u) {
  u |= 1U;
  const auto zeros = static_cast<unsigned>(std::countl_zero(u));
  const std::uint64_t mantissa = (u << zeros) << 1U;  // without the leading one
  const std::size_t at = mantissa >> (64U - kSteps);
  const std::uint64_t between = (mantissa << kSteps) >> 40U;  // 24 bits
  const std::uint64_t step = kLog2[at + 1] - kLog2[at];
  const std::uint64_t log = kLog2[at] + (step * between >> 24U);
  return (std::uint64_t{zeros + 1} << 32U) - std::min(log, (std::uint64_t{1} << 32U) - 1);
}

// Every bit of what comes in reaches every bit of what goes out (the finaliser of MurmurHash3, with
// Stafford's constants).
constexpr std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ x >> 30U) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ x >> 27U) * 0x94D049BB133111EBULL;
  return x ^ x >> 31U;
}

}  // namespace

Ring::Ring(std::span<const RingMember> members) {
  CHECK(members.size() <= kMostMembers);
  for (const RingMember& member : members) {
    members_.push_back({hash_bytes(member.name, kNameSeed), std::max(member.weight, 1U)});
    names_.push_back(member.name);
    total_weight_ += members_.back().weight;
  }
}

std::uint64_t Ring::hash_of(std::string_view key) { return hash_bytes(key, kKeySeed); }

bool Ring::Bid::beats(const Bid& other) const {
  // Distances have at most 39 bits and weights 10, so that no product is cut.
  const std::uint64_t mine = distance * other.weight;
  const std::uint64_t theirs = other.distance * weight;
  return mine != theirs ? mine < theirs : seed < other.seed;
}

Ring::Bid Ring::bid_of(Index member, std::uint64_t hash) const {
  const Member& m = members_[member];
  return {
      .distance = distance_of(mixed(hash ^ m.seed)), .seed = m.seed, .weight = m.weight, .member = member};
}

Ring::Index Ring::owner(std::uint64_t hash) const {
  CHECK(!members_.empty());
  Bid best = bid_of(0, hash);
  for (std::size_t i = 1; i < members_.size(); ++i) {
    const Bid bid = bid_of(static_cast<Index>(i), hash);
    if (bid.beats(best)) best = bid;
  }
  return best.member;
}

std::span<const Ring::Index> Ring::order(std::uint64_t hash, std::span<Index> choices) const {
  // The best so far, kept in order; few are asked for, so that sorting in is cheaper than a heap.
  constexpr std::size_t kMost = 16;
  std::array<Bid, kMost> best;
  const std::size_t wanted = std::min({choices.size(), members_.size(), kMost});
  std::size_t found = 0;
  for (std::size_t i = 0; i < members_.size() && wanted != 0; ++i) {
    const Bid bid = bid_of(static_cast<Index>(i), hash);
    if (found == wanted && !bid.beats(best[found - 1])) continue;
    std::size_t at = found == wanted ? found - 1 : found++;
    for (; at > 0 && bid.beats(best[at - 1]); --at) best[at] = best[at - 1];
    best[at] = bid;
  }
  for (std::size_t i = 0; i < found; ++i) choices[i] = best[i].member;
  return choices.first(found);
}

std::uint64_t Ring::load_limit(Index member, std::uint64_t total, double bound) const {
  const double share = static_cast<double>(members_[member].weight) / static_cast<double>(total_weight_);
  return static_cast<std::uint64_t>(bound * share * static_cast<double>(total + 1)) + 1;
}

Ring::Index Ring::pick(std::span<const Index> choices, std::span<const std::uint32_t> running,
                       double bound) const {
  std::uint64_t total = 0;
  for (const std::uint32_t load : running) total += load;
  for (const Index member : choices) {
    if (running[member] < load_limit(member, total, bound)) return member;
  }
  return choices.front();
}

}  // namespace meridian::wire
