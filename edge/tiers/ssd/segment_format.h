#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "edge/tiers/ssd/keyring.h"
#include "edge/tiers/ssd/place.h"
#include "edge/tiers/ssd/record.h"

// What stands around the records: the file's own page, the page at the head of a segment, and at its end the
// table of contents and the page that tells of it. docs/tiers.md has the tables.
namespace meridian::ssd {

// The shape of a file. Two copies of it stand in the file's first two pages.
struct Geometry {
  static constexpr std::uint64_t kFirstSegment = 64 * 1024;
  std::uint64_t identity = 0;  // random: nothing of an earlier life of the file is valid in this one
  std::uint64_t segment_bytes = 0;
  std::uint64_t chunk_bytes = 0;
  std::uint32_t segment_count = 0;

  std::uint64_t offset_of(std::uint32_t segment) const { return kFirstSegment + segment * segment_bytes; }
  std::uint32_t segment_of(std::uint64_t offset) const {
    return static_cast<std::uint32_t>((offset - kFirstSegment) / segment_bytes);
  }
  std::uint64_t file_bytes() const { return offset_of(segment_count); }
};
void write_geometry(const Geometry& geometry, char* page);
std::optional<Geometry> read_geometry(std::string_view page);

// The first page of a segment. Its first record follows.
struct SegmentHead {
  std::uint64_t generation = 0;  // segments are numbered in the order of their writing
  std::uint32_t segment = 0;
};
void write_segment_head(const SegmentHead& head, std::uint64_t identity, char* page);
std::optional<SegmentHead> read_segment_head(std::string_view page, std::uint64_t identity);

// Takes the place of a segment's first page when its records are given up, and its last page is blanked: what
// has left the index must not come back with a restart, and most of it has no tombstone.
struct GivenUp {
  std::uint64_t generation = 0;  // it, and any before it in this segment
  std::uint32_t segment = 0;
  bool distrusted = false;  // damage made it so: the generation says nothing of what was there
};
void write_given_up(const GivenUp& given_up, std::uint64_t identity, char* page);
std::optional<GivenUp> read_given_up(std::string_view page, std::uint64_t identity);

// How far the log has come: the newest generation whose segment was ended. The third and the fourth page of
// the file take turns. It tells a file that lost its newest segment from one that never had it.
void write_progress(std::uint64_t generation, std::uint64_t identity, char* page);
std::optional<std::uint64_t> read_progress(std::string_view page, std::uint64_t identity);
constexpr std::uint64_t progress_offset(std::uint64_t generation) { return (2 + generation % 2) * kPage; }

// One record, as the table of contents tells of it.
struct TocEntry {
  std::uint64_t index_hash = 0;
  std::uint32_t offset_units = 0;  // in the segment
  std::uint32_t units_and_kind = 0;

  TocEntry() = default;
  TocEntry(std::uint64_t hash, std::uint64_t offset, std::uint64_t bytes, RecordKind kind)
      : index_hash(hash),
        offset_units(static_cast<std::uint32_t>(offset / kUnit)),
        units_and_kind(static_cast<std::uint32_t>(bytes / kUnit) << 3U | static_cast<std::uint8_t>(kind)) {}
  std::uint64_t offset() const { return std::uint64_t{offset_units} * kUnit; }
  std::uint64_t bytes() const { return std::uint64_t{units_and_kind >> 3U} * kUnit; }
  RecordKind kind() const { return static_cast<RecordKind>(units_and_kind & 7U); }
};
static_assert(sizeof(TocEntry) == 16);

// The last page of a segment; the entries end where it begins.
struct SegmentFoot {
  std::uint64_t generation = 0;
  std::uint32_t segment = 0;
  std::uint32_t entries = 0;
  std::uint32_t key_id = 0;
  std::uint32_t reserved = 0;
  Aes256Gcm::Nonce nonce{};  // of the entries, random
  std::array<unsigned char, Aes256Gcm::kTagBytes> tag{};
  std::uint32_t padding = 0;
  std::uint64_t entries_checksum = 0;

  // Room for that many entries, in whole pages.
  static constexpr std::uint64_t toc_bytes(std::uint64_t entries) {
    return round_up(entries * sizeof(TocEntry), kPage);
  }
};
// The pages that end a segment: the entries, padded in front to whole pages, and the foot. Empty: encryption
// failed.
std::string make_segment_end(const SegmentHead& head, std::span<const TocEntry> entries,
                             std::uint64_t identity, const Keyring& keyring, std::uint8_t key_id);
std::optional<SegmentFoot> read_segment_foot(std::string_view page, std::uint64_t identity);
// `bytes` are the foot's toc_bytes() before its page; they are changed. Every entry that comes back lies
// inside the segment.
std::optional<std::vector<TocEntry>> read_toc(const SegmentFoot& foot, std::span<char> bytes,
                                              const Geometry& geometry, const Keyring& keyring);

}  // namespace meridian::ssd
