#include <algorithm>
#include <utility>
#include <vector>

#include "edge/tiers/ssd/ssd_tier.h"

// Large bodies that are filled chunk by chunk, in any order, and are of use before they are whole.
namespace meridian {

using ssd::Log;

std::shared_ptr<const SsdLarge> SsdTier::prepare_chunks(std::string_view key, const ObjectMeta& meta,
                                                        std::string_view head, std::uint64_t length) {
  if (!fits(key, head, length)) {
    ssd::count(counters_.refused_too_large);
    return nullptr;
  }
  if (health_.state() != ssd::Health::State::kOk) {
    ssd::count(counters_.shed_writes);
    return nullptr;
  }
  return std::make_shared<const SsdLarge>(SsdLarge{std::string(key), hash_of_key(key), next_fill_id(), meta,
                                                   std::string(head), length, chunk_bytes()});
}

bool SsdTier::show_chunks(const SsdLarge& object) {
  if (put_head(object, {}) != Log::Put::kDone) {
    ssd::count(counters_.shed_writes);
    return false;
  }
  ssd::count(counters_.inserts);
  charge(object.key.size() + object.head.size());
  return true;
}

std::shared_ptr<const SsdLarge> SsdTier::begin_chunks(std::string_view key, const ObjectMeta& meta,
                                                      std::string_view head, std::uint64_t length) {
  std::shared_ptr<const SsdLarge> object = prepare_chunks(key, meta, head, length);
  if (object && !show_chunks(*object)) object.reset();
  return object;
}

bool SsdTier::put_chunk(const SsdLarge& object, std::uint64_t chunk, std::span<const Slice> bytes) {
  std::uint64_t size = 0;
  for (const Slice& slice : bytes) size += slice.size;
  if (chunk >= object.chunk_count() || size != object.bytes_of_chunk(chunk)) return false;
  if (put_chunk_record(object, chunk, bytes, size) == Log::Put::kDone) {
    charge(size);
    return true;
  }
  ssd::count(counters_.shed_writes);
  return false;
}

namespace {

// The first `bytes` of a body, which is left with the rest.
std::vector<Slice> take_front(std::span<const Slice>& body, std::uint64_t& taken_of_first,
                              std::uint64_t bytes) {
  std::vector<Slice> front;
  while (bytes > 0) {
    const Slice& piece = body.front();
    const std::uint64_t part = std::min<std::uint64_t>(piece.size - taken_of_first, bytes);
    front.push_back(piece.sub(taken_of_first, part));
    taken_of_first += part;
    bytes -= part;
    if (taken_of_first < piece.size) break;
    body = body.subspan(1);
    taken_of_first = 0;
  }
  return front;
}

}  // namespace

bool SsdTier::offer_chunks(const SsdLarge& object, std::uint64_t begin, std::span<const Slice> body,
                           std::uint64_t unit, bool reused) {
  std::uint64_t bytes = 0;
  for (const Slice& slice : body) bytes += slice.size;
  const std::uint64_t end = begin + bytes;
  const bool whole_chunks = begin % object.chunk_bytes == 0 && end <= object.length &&
                            (end % object.chunk_bytes == 0 || end == object.length);
  if (!whole_chunks || bytes == 0) return false;
  if (!admit(unit, bytes, reused)) {
    ssd::count(counters_.refused_by_policy);
    return false;
  }
  std::uint64_t taken_of_first = 0;
  for (std::uint64_t chunk = begin / object.chunk_bytes; chunk * object.chunk_bytes < end; ++chunk) {
    const std::uint64_t size = object.bytes_of_chunk(chunk);
    const std::vector<Slice> pieces = take_front(body, taken_of_first, size);
    if (put_chunk_record(object, chunk, pieces, size) != Log::Put::kDone) {
      ssd::count(counters_.shed_writes);
      return false;
    }
  }
  return true;
}

}  // namespace meridian
