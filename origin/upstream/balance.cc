#include "origin/upstream/balance.h"

#include <cmath>

#include "lib/base/hash.h"

namespace meridian::upstream {
namespace {

// Draws by weight from all but `without` (candidates.size(): from all).
std::size_t draw(std::span<const Candidate> candidates, std::size_t without, std::uint64_t random) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) total += i == without ? 0 : candidates[i].weight;
  std::uint64_t at = total == 0 ? 0 : random % total;
  std::size_t last = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (i == without) continue;
    last = i;
    if (at < candidates[i].weight) break;
    at -= candidates[i].weight;
  }
  return last;
}

// Uniform in (0, 1].
double unit(std::uint64_t bits) { return (static_cast<double>(bits >> 11U) + 1) * 0x1.0p-53; }

}  // namespace

std::size_t LeastOfTwo::pick(std::span<const Candidate> candidates, std::uint64_t,
                             std::uint64_t random) const {
  if (candidates.size() == 1) return 0;
  const std::size_t a = draw(candidates, candidates.size(), random & 0xffffffffU);
  const std::size_t b = draw(candidates, a, random >> 32U);
  const std::uint64_t load_a = std::uint64_t{candidates[a].running + 1U} * candidates[b].weight;
  const std::uint64_t load_b = std::uint64_t{candidates[b].running + 1U} * candidates[a].weight;
  // Equals go to the first drawn, which keeps the weights.
  return load_b < load_a ? b : a;
}

std::size_t Rendezvous::pick(std::span<const Candidate> candidates, std::uint64_t hash, std::uint64_t) const {
  std::size_t best = 0;
  double best_score = -1;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const std::uint64_t mixed =
        hash_bytes({reinterpret_cast<const char*>(&hash), sizeof hash}, candidates[i].seed);
    const double score = candidates[i].weight / (1e-300 - std::log(unit(mixed)));
    if (score > best_score) {
      best_score = score;
      best = i;
    }
  }
  return best;
}

std::unique_ptr<BalancePolicy> make_balance(GroupOptions::Balance kind) {
  if (kind == GroupOptions::Balance::kConsistentHash) return std::make_unique<Rendezvous>();
  return std::make_unique<LeastOfTwo>();
}

}  // namespace meridian::upstream
