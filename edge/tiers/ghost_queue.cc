#include "edge/tiers/ghost_queue.h"

#include <algorithm>

namespace meridian {

std::uint16_t GhostQueue::print_of(std::uint64_t hash) {
  // The bucket takes the low bits; 0 means an empty place.
  return static_cast<std::uint16_t>(std::max<std::uint64_t>(hash >> 48U, 1));
}

void GhostQueue::set_limit(std::size_t entries) {
  if (buckets_.empty() && entries > 0) buckets_.resize(1);
  while (entries > buckets_.size() * kWays) {
    // With one more bit of the hash, a bucket's entries belong to it or to its new twin. Prints do not tell
    // which, so both get all; the wrong halves match nothing and fall out as new entries come.
    const std::size_t old = buckets_.size();
    buckets_.resize(2 * old);
    std::copy_n(buckets_.begin(), old, buckets_.begin() + static_cast<std::ptrdiff_t>(old));
  }
  ways_ = buckets_.empty() ? 0 : (entries + buckets_.size() - 1) / buckets_.size();
}

void GhostQueue::add(std::uint64_t hash) {
  if (ways_ == 0) return;
  auto& prints = bucket_of(hash).prints;
  std::copy_backward(prints.begin(), prints.begin() + static_cast<std::ptrdiff_t>(ways_ - 1),
                     prints.begin() + static_cast<std::ptrdiff_t>(ways_));
  prints[0] = print_of(hash);
}

bool GhostQueue::take(std::uint64_t hash) {
  if (ways_ == 0) return false;
  auto& prints = bucket_of(hash).prints;
  const auto end = prints.begin() + static_cast<std::ptrdiff_t>(ways_);
  const auto found = std::find(prints.begin(), end, print_of(hash));
  if (found == end) return false;
  std::copy(found + 1, end, found);
  *(end - 1) = 0;
  return true;
}

}  // namespace meridian
