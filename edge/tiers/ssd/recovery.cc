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

// What one thread found; joined when all have ended.
class Finder {
 public:
  Finder(const DiskFile& file, const Geometry& geometry, const Keyring& keyring, Index& index,
         Recovered& recovered)
      : file_(file), geometry_(geometry), keyring_(keyring), index_(index), recovered_(recovered) {}

  // Each segment's generation must be known before its records are compared with those of others, so it is
  // set before the records are put in; a segment that has not been looked at has put nothing in.
  void look_at(std::uint32_t segment) {
    const Ref<AlignedBuffer> page = read_all(file_, geometry_.offset_of(segment), kPage);
    if (!page) return unreadable.push_back(segment);
    const std::string_view first{page->data(), kPage};
    std::optional<SegmentEnd> end = read_segment_end(file_, segment, geometry_, keyring_);
    const auto given_up = read_given_up(first, geometry_.identity);
    if (given_up && given_up->segment == segment && (!end || end->foot.generation <= given_up->generation)) {
      if (!given_up->distrusted) given_up_generations.push_back(given_up->generation);
      return;
    }
    auto head = read_segment_head(first, geometry_.identity);
    if (head && head->segment != segment) head.reset();
    if (end && (!head || head->generation <= end->foot.generation)) {
      set_generation(segment, end->foot.generation);
      put_in(segment, end->foot.generation, end->entries);
    } else if (head) {
      scan(segment, *head);
    }
  }

  std::vector<Tombstone> tombstones;
  std::vector<OpenedAgain> without_end;
  std::vector<std::uint64_t> with_gaps;             // generations
  std::vector<std::uint64_t> given_up_generations;  // their segments are free
  std::vector<std::uint32_t> unreadable;            // segments

 private:
  void scan(std::uint32_t segment, const SegmentHead& head) {
    const Ref<AlignedBuffer> bytes = read_all(file_, geometry_.offset_of(segment), geometry_.segment_bytes);
    if (!bytes) return unreadable.push_back(segment);
    Scan found = scan_segment(bytes->data(), head, geometry_);
    set_generation(segment, head.generation);
    put_in(segment, head.generation, found.entries);
    if (found.gaps) with_gaps.push_back(head.generation);
    without_end.push_back({head, std::move(found.entries)});
  }
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

Scan scan_segment(const char* bytes, const SegmentHead& head, const Geometry& geometry) {
  Scan scan;
  const std::uint64_t begin = geometry.offset_of(head.segment);
  const std::uint64_t end = geometry.segment_bytes - kPage;
  bool lost = false;
  for (std::uint64_t at = kPage; at < end;) {
    const auto header = check_record(bytes + at, end - at, {geometry.identity, head.generation, begin + at});
    if (header) {
      scan.entries.emplace_back(index_hash_of(*header), at, header->total_bytes(), header->record_kind());
      scan.gaps = scan.gaps || lost;
      at += header->total_bytes();
      continue;
    }
    // A batch begins with a page and ends with zeros up to the next one.
    const std::uint64_t page = round_up(at + 1, kPage);
    lost = lost || at % kPage == 0 || std::any_of(bytes + at, bytes + page, [](char c) { return c != 0; });
    at = page;
  }
  return scan;
}

namespace {

std::uint64_t read_newest_ended(const DiskFile& file, const Geometry& geometry) {
  std::uint64_t newest = 0;
  for (const std::uint64_t offset : {progress_offset(0), progress_offset(1)}) {
    const Ref<AlignedBuffer> page = read_all(file, offset, kPage);
    if (!page) continue;
    newest = std::max(newest, read_progress({page->data(), kPage}, geometry.identity).value_or(0));
  }
  return newest;
}

// The newest generation that damage has put in doubt; 0: none. What was given up is accounted for.
std::uint64_t doubt_of(const std::vector<std::uint64_t>& generations,
                       const std::vector<std::uint64_t>& with_gaps, std::vector<std::uint64_t> given_up,
                       std::uint64_t newest_ended) {
  std::vector<std::uint64_t> found = std::move(given_up);
  std::copy_if(generations.begin(), generations.end(), std::back_inserter(found),
               [](std::uint64_t generation) { return generation != 0; });
  if (found.empty()) return 0;
  std::sort(found.begin(), found.end());
  const std::uint64_t newest = found.back();
  if (newest < newest_ended) return newest_ended;
  // A round ago or more: a segment of another time.
  std::uint64_t doubt = newest > generations.size() ? newest - generations.size() : 0;
  for (std::size_t i = 1; i < found.size(); ++i) {
    if (found[i] != found[i - 1] + 1) doubt = std::max(doubt, found[i - 1]);
  }
  for (const std::uint64_t generation : with_gaps) {
    if (generation != newest) doubt = std::max(doubt, generation);
  }
  return doubt;
}

void drop_up_to(std::uint64_t doubt, const Geometry& geometry, Index& index, Recovered& recovered) {
  for (std::uint32_t i = 0; i < geometry.segment_count; ++i) {
    if (recovered.generations[i] == 0 || recovered.generations[i] > doubt) continue;
    index.erase_between(geometry.offset_of(i), geometry.offset_of(i) + geometry.segment_bytes);
    recovered.generations[i] = 0;
    recovered.to_blank.push_back(i);
    ++recovered.distrusted;
  }
  std::erase_if(recovered.without_end,
                [&](const OpenedAgain& open) { return open.head.generation <= doubt; });
}

}  // namespace

Recovered recover(const DiskFile& file, const Geometry& geometry, const Keyring& keyring, Index& index,
                  unsigned threads, const std::function<bool()>& is_stopped) {
  Recovered recovered;
  recovered.generations.resize(geometry.segment_count);
  std::atomic<std::uint32_t> next{0};
  std::vector<Finder> finders(std::max(1U, threads), Finder(file, geometry, keyring, index, recovered));
  std::vector<std::thread> running;
  running.reserve(finders.size());
  for (Finder& finder : finders) {
    running.emplace_back([&] {
      for (std::uint32_t i = next.fetch_add(1); i < geometry.segment_count && !is_stopped();
           i = next.fetch_add(1)) {
        finder.look_at(i);
      }
    });
  }
  for (std::thread& thread : running) thread.join();
  if (is_stopped()) return recovered;
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
  const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  std::vector<std::uint64_t> with_gaps;
  std::vector<std::uint64_t> given_up;
  for (const Finder& finder : finders) {
    append(with_gaps, finder.with_gaps);
    append(given_up, finder.given_up_generations);
    append(recovered.to_blank, finder.unreadable);
  }
  const std::uint64_t newest_ended = read_newest_ended(file, geometry);
  recovered.next_generation = newest_ended + 1;
  for (const auto& generations : {recovered.generations, given_up}) {
    for (const std::uint64_t generation : generations)
      recovered.next_generation = std::max(recovered.next_generation, generation + 1);
  }
  const std::uint64_t doubt = doubt_of(recovered.generations, with_gaps, std::move(given_up), newest_ended);
  drop_up_to(doubt, geometry, index, recovered);
  return recovered;
}

}  // namespace meridian::ssd
