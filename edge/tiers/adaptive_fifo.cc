#include "edge/tiers/adaptive_fifo.h"

#include <algorithm>
#include <cmath>

#include "lib/base/check.h"

namespace meridian {
namespace {

constexpr std::size_t kLeastRemembered = 64;
// Two bytes each. More find more that comes back, and among it more that is not worth it.
constexpr std::size_t kGhostsPerHeld = 2;
// Of those who lost a duel or left the main queue, one for so many objects that are held: few, so that they
// are recent, and the advantage follows soon.
constexpr std::size_t kHeldPerMistake = 10;
// A duel is fought once the main queue is nearly full.
constexpr double kNearlyFull = 0.8;

}  // namespace

void AdaptiveFifo::set_capacity(std::uint64_t bytes) {
  small_target_bytes_ = static_cast<std::uint64_t>(static_cast<double>(bytes) * options_.small_share);
  main_target_bytes_ = bytes - small_target_bytes_;
}

void AdaptiveFifo::insert(EntryId id, Entries& entries) {
  links_.reach(id);
  remember_as_many_as_are_held();
  const std::uint64_t hash = entries.hash(id);
  sketch_.add(hash);
  learn_from(hash);
  bool to_main = ghosts_.take(hash);
  if (to_main && !wins_duel(id, entries)) {
    losers_.add(hash);
    to_main = false;
  }
  push(to_main ? main_ : small_, id, entries.bytes(id));
}

void AdaptiveFifo::remember_as_many_as_are_held() {
  const auto held = std::max(static_cast<std::size_t>(small_.count + main_.count), kLeastRemembered);
  sketch_.set_limit(held);
  ghosts_.set_limit(kGhostsPerHeld * held);
  const std::size_t mistakes = std::max(held / kHeldPerMistake, kLeastRemembered);
  losers_.set_limit(mistakes);
  displaced_.set_limit(mistakes);
}

void AdaptiveFifo::learn_from(std::uint64_t hash) {
  if (losers_.take(hash)) advantage_ = std::min(advantage_ + kAdvantageStep, kMostAdvantage);
  if (displaced_.take(hash)) advantage_ = std::max(advantage_ - kAdvantageStep, kLeastAdvantage);
}

bool AdaptiveFifo::wins_duel(EntryId newcomer, Entries& entries) const {
  // With no capacity at all, even nothing is more than nearly full.
  if (main_.count == 0) return true;
  if (static_cast<double>(main_.bytes) < kNearlyFull * static_cast<double>(main_target_bytes_)) return true;
  return worth(newcomer, entries) + advantage_ > worth(main_.oldest, entries);
}

double AdaptiveFifo::worth(EntryId id, Entries& entries) const {
  const auto count = static_cast<double>(small_.count + main_.count);
  const double mean_bytes = static_cast<double>(small_.bytes + main_.bytes) / count;
  const double beside_mean = static_cast<double>(entries.bytes(id)) / mean_bytes;
  return sketch_.estimate(entries.hash(id)) * std::pow(beside_mean, -options_.size_weight);
}

void AdaptiveFifo::erase(EntryId id, std::uint64_t bytes) { unlink(queue_of(id), id, bytes); }

void AdaptiveFifo::resize(EntryId id, std::uint64_t old_bytes, std::uint64_t new_bytes) {
  queue_of(id).bytes += new_bytes - old_bytes;
}

std::optional<EvictionPolicy::Victim> AdaptiveFifo::evict(Entries& entries) {
  for (unsigned rounds = 0; small_.count + main_.count > 0; ++rounds) {
    const bool from_small = small_.count > 0 && (small_.bytes >= small_target_bytes_ || main_.count == 0);
    const bool spare = rounds < kMaxRounds;
    const auto victim = from_small ? pass_small(entries, spare) : pass_main(entries, spare);
    if (victim) return victim;
  }
  return std::nullopt;
}

std::optional<EvictionPolicy::Victim> AdaptiveFifo::pass_small(Entries& entries, bool spare) {
  const EntryId id = small_.oldest;
  const std::uint64_t bytes = entries.bytes(id);
  const std::uint64_t hash = entries.hash(id);
  const unsigned frequency = entries.frequency(id);
  unlink(small_, id, bytes);
  if (frequency > 0) {
    sketch_.add(hash, frequency);
    learn_from(hash);
  }
  if (frequency > 0 && spare) {
    entries.set_frequency(id, 0);
    push(main_, id, bytes);
    return std::nullopt;
  }
  ghosts_.add(hash);
  return Victim{id, frequency > 0};
}

std::optional<EvictionPolicy::Victim> AdaptiveFifo::pass_main(Entries& entries, bool spare) {
  const EntryId id = main_.oldest;
  const std::uint64_t bytes = entries.bytes(id);
  const unsigned frequency = entries.frequency(id);
  unlink(main_, id, bytes);
  if (frequency == 0 || !spare) {
    displaced_.add(entries.hash(id));
    return Victim{id, true};
  }
  // A hit is counted for each round, so that the sketch knows of those that only the counter saw.
  sketch_.add(entries.hash(id));
  entries.set_frequency(id, frequency - 1);
  push(main_, id, bytes);
  return std::nullopt;
}

std::size_t AdaptiveFifo::footprint_bytes() const {
  return links_.footprint_bytes() + sketch_.footprint_bytes() + ghosts_.footprint_bytes() +
         losers_.footprint_bytes() + displaced_.footprint_bytes();
}

void AdaptiveFifo::push(Queue& queue, EntryId id, std::uint64_t bytes) {
  links_[id] = {kNone | queue.mark, queue.newest};
  if (queue.newest != kNone) links_[queue.newest].newer = id | queue.mark;
  queue.newest = id;
  if (queue.oldest == kNone) queue.oldest = id;
  queue.bytes += bytes;
  ++queue.count;
}

void AdaptiveFifo::unlink(Queue& queue, EntryId id, std::uint64_t bytes) {
  const EntryId newer = links_[id].newer & ~kInMain;
  const EntryId older = links_[id].older;
  if (newer != kNone) {
    links_[newer].older = older;
  } else {
    queue.newest = older;
  }
  if (older != kNone) {
    links_[older].newer = newer | queue.mark;
  } else {
    queue.oldest = newer;
  }
  CHECK(queue.bytes >= bytes && queue.count > 0);
  queue.bytes -= bytes;
  --queue.count;
}

}  // namespace meridian
