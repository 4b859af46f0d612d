#include "edge/tiers/ssd/recovery.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "edge/tiers/ssd/buffers.h"
#include "lib/base/mutex.h"

namespace meridian::ssd {
namespace {

// Later in the log.
struct Position {
  std::uint64_t generation;
  std::uint64_t offset;
  bool operator<(const Position& other) const {
    return generation != other.generation ? generation < other.generation : offset < other.offset;
  }
};
struct Tombstone {
  std::uint64_t hash;
  Position position;
};

Ref<AlignedBuffer> read_all(const DiskFile& file, std::uint64_t offset, std::uint64_t bytes) {
  Ref<AlignedBuffer> buffer = AlignedBuffer::allocate(bytes);
  const ReadResult result = file.read(offset, buffer->data(), bytes);
  return result.error == 0 && result.bytes == bytes ? std::move(buffer) : Ref<AlignedBuffer>();
}

std::optional<SegmentHead> read_head(const DiskFile& file, std::uint32_t segment, const Geometry& geometry) {
  const Ref<AlignedBuffer> page = read_all(file, geometry.offset_of(segment), kPage);
  if (!page) return std::nullopt;
  const auto head = read_segment_head({page->data(), kPage}, geometry.identity);
  return head && head->segment == segment ? head : std::nullopt;
}

// What one thread found; joined when all have ended.
class Finder {
 public:
  Finder(const DiskFile& file, const Geometry& geometry, const Keyring& keyring, Index& index,
         Recovered& recovered)
      : file_(file), geometry_(geometry), keyring_(keyring), index_(index), recovered_(recovered) {}

  // Each segment's generation must be known before its records are compared with those of others, so it is
  // set before the records are put in; a segment that has not been looked at has put nothing in.
  void look_at(std::uint32_t segment) {
    std::optional<SegmentEnd> end = read_segment_end(file_, segment, geometry_, keyring_);
    const std::optional<SegmentHead> head = read_head(file_, segment, geometry_);
    if (end && (!head || head->generation <= end->foot.generation)) {
      set_generation(segment, end->foot.generation);
      put_in(segment, end->foot.generation, end->entries);
    } else if (head) {
      const Ref<AlignedBuffer> bytes = read_all(file_, geometry_.offset_of(segment), geometry_.segment_bytes);
      if (!bytes) return;
      std::vector<TocEntry> entries = scan_segment(bytes->data(), *head, geometry_);
      set_generation(segment, head->generation);
      put_in(segment, head->generation, entries);
      without_end.push_back({*head, std::move(entries)});
    }
  }

  std::vector<Tombstone> tombstones;
  std::vector<OpenedAgain> without_end;

 private:
  std::uint64_t generation_of(std::uint64_t offset) const {
    return std::atomic_ref(recovered_.generations[geometry_.segment_of(offset)])
        .load(std::memory_order_relaxed);
  }
  void set_generation(std::uint32_t segment, std::uint64_t generation) {
    std::atomic_ref(recovered_.generations[segment]).store(generation, std::memory_order_relaxed);
  }
  void put_in(std::uint32_t segment, std::uint64_t generation, const std::vector<TocEntry>& entries) {
    const std::uint64_t begin = geometry_.offset_of(segment);
    const std::function<bool(Place, Place)> is_newer = [this](Place a, Place b) {
      return Position{generation_of(b.offset()), b.offset()} <
             Position{generation_of(a.offset()), a.offset()};
    };
    for (const TocEntry& entry : entries) {
      const std::uint64_t offset = begin + entry.offset();
      if (entry.kind() == RecordKind::kTombstone) {
        tombstones.push_back({entry.index_hash, {generation, offset}});
      } else {
        index_.put_newer(entry.index_hash, Place(offset, entry.bytes(), place_kind_of(entry.kind())),
                         is_newer);
      }
    }
  }

  const DiskFile& file_;
  const Geometry& geometry_;
  const Keyring& keyring_;
  Index& index_;
  Recovered& recovered_;
};

}  // namespace

std::optional<SegmentEnd> read_segment_end(const DiskFile& file, std::uint32_t segment,
                                           const Geometry& geometry, const Keyring& keyring) {
  const std::uint64_t foot_at = geometry.offset_of(segment) + geometry.segment_bytes - kPage;
  const Ref<AlignedBuffer> page = read_all(file, foot_at, kPage);
  if (!page) return std::nullopt;
  const auto foot = read_segment_foot({page->data(), kPage}, geometry.identity);
  if (!foot || foot->segment != segment) return std::nullopt;
  const std::uint64_t toc_bytes = SegmentFoot::toc_bytes(foot->entries);
  if (toc_bytes + 2 * kPage > geometry.segment_bytes) return std::nullopt;
  const Ref<AlignedBuffer> toc = read_all(file, foot_at - toc_bytes, toc_bytes);
  if (!toc) return std::nullopt;
  auto entries = read_toc(*foot, {toc->data(), toc_bytes}, geometry, keyring);
  if (!entries) return std::nullopt;
  return SegmentEnd{*foot, std::move(*entries)};
}

std::vector<TocEntry> scan_segment(const char* bytes, const SegmentHead& head, const Geometry& geometry) {
  std::vector<TocEntry> entries;
  const std::uint64_t begin = geometry.offset_of(head.segment);
  const std::uint64_t end = geometry.segment_bytes - kPage;
  for (std::uint64_t at = kPage; at < end;) {
    const auto header = check_record(bytes + at, end - at, {geometry.identity, head.generation, begin + at});
    if (header) {
      entries.emplace_back(index_hash_of(*header), at, header->total_bytes(), header->record_kind());
      at += header->total_bytes();
    } else {
      // Batches begin with a page: behind a gap the next record does too.
      at = round_up(at + 1, kPage);
    }
  }
  return entries;
}

Recovered recover(const DiskFile& file, const Geometry& geometry, const Keyring& keyring, Index& index,
                  unsigned threads) {
  Recovered recovered;
  recovered.generations.resize(geometry.segment_count);
  std::atomic<std::uint32_t> next{0};
  std::vector<Finder> finders(std::max(1U, threads), Finder(file, geometry, keyring, index, recovered));
  std::vector<std::thread> running;
  for (Finder& finder : finders) {
    running.emplace_back([&] {
      for (std::uint32_t i = next.fetch_add(1); i < geometry.segment_count; i = next.fetch_add(1)) {
        finder.look_at(i);
      }
    });
  }
  for (std::thread& thread : running) thread.join();
  for (Finder& finder : finders) {
    for (const Tombstone& tombstone : finder.tombstones) {
      const auto place = index.find(tombstone.hash);
      if (!place) continue;
      const Position at{recovered.generations[geometry.segment_of(place->offset())], place->offset()};
      if (at < tombstone.position) index.erase_at(tombstone.hash, place->offset());
    }
    std::move(finder.without_end.begin(), finder.without_end.end(),
              std::back_inserter(recovered.without_end));
  }
  for (const std::uint64_t generation : recovered.generations) {
    recovered.next_generation = std::max(recovered.next_generation, generation + 1);
  }
  return recovered;
}

}  // namespace meridian::ssd
