#include "edge/tiers/s3_fifo.h"

#include "lib/base/check.h"

namespace meridian {

void S3Fifo::set_capacity(std::uint64_t bytes) {
  small_target_bytes_ = static_cast<std::uint64_t>(static_cast<double>(bytes) * options_.small_share);
}

void S3Fifo::insert(EntryId id, std::uint64_t hash, std::uint64_t bytes) {
  links_.reach(id);
  push(ghost_.take(hash) ? main_ : small_, id, bytes);
}

void S3Fifo::erase(EntryId id, std::uint64_t bytes) { unlink(queue_of(id), id, bytes); }

void S3Fifo::resize(EntryId id, std::uint64_t old_bytes, std::uint64_t new_bytes) {
  queue_of(id).bytes += new_bytes - old_bytes;
}

std::optional<EvictionPolicy::Victim> S3Fifo::evict(Entries& entries) {
  for (unsigned rounds = 0; small_.count + main_.count > 0; ++rounds) {
    const bool from_small = small_.count > 0 && (small_.bytes >= small_target_bytes_ || main_.count == 0);
    const auto victim = from_small ? pass_small(entries) : pass_main(entries, rounds < kMaxRounds);
    if (victim) return victim;
  }
  return std::nullopt;
}

std::optional<EvictionPolicy::Victim> S3Fifo::pass_small(Entries& entries) {
  const EntryId id = small_.oldest;
  const std::uint64_t bytes = entries.bytes(id);
  unlink(small_, id, bytes);
  if (entries.frequency(id) >= options_.promote_frequency) {
    entries.set_frequency(id, 0);
    push(main_, id, bytes);
    return std::nullopt;
  }
  ghost_.set_limit(small_.count + main_.count);
  ghost_.add(entries.hash(id));
  return Victim{id, entries.frequency(id) > 0};
}

std::optional<EvictionPolicy::Victim> S3Fifo::pass_main(Entries& entries, bool spare) {
  const EntryId id = main_.oldest;
  const std::uint64_t bytes = entries.bytes(id);
  const unsigned frequency = entries.frequency(id);
  unlink(main_, id, bytes);
  if (frequency == 0 || !spare) return Victim{id, true};
  entries.set_frequency(id, frequency - 1);
  push(main_, id, bytes);
  return std::nullopt;
}

void S3Fifo::push(Queue& queue, EntryId id, std::uint64_t bytes) {
  links_[id] = {kNone | queue.mark, queue.newest};
  if (queue.newest != kNone) links_[queue.newest].newer = id | queue.mark;
  queue.newest = id;
  if (queue.oldest == kNone) queue.oldest = id;
  queue.bytes += bytes;
  ++queue.count;
}

void S3Fifo::unlink(Queue& queue, EntryId id, std::uint64_t bytes) {
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
