#include "edge/tiers/ssd/segment_format.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "lib/base/hash.h"

namespace meridian::ssd {
namespace {

// "SMRFILE" and the version of the format. A file of another version is formatted anew.
constexpr std::uint64_t kFileMagic = 0x32454C4946524D53;
constexpr std::uint64_t kHeadMagic = 0x31444145485347;
constexpr std::uint64_t kFootMagic = 0x31544F4F465347;
constexpr std::uint64_t kGivenUpMagic = 0x31454E4F474753;
constexpr std::uint64_t kProgressMagic = 0x31474F52505347;

// A page that tells one thing: a magic number, the thing, and a checksum of both that the file's identity
// seeds.
template <class T>
struct Sheet {
  static_assert(std::is_trivially_copyable_v<T> && std::has_unique_object_representations_v<T>);
  std::uint64_t magic;
  T content;
  std::uint64_t checksum;
};

template <class T>
std::uint64_t checksum_of(const Sheet<T>& sheet, std::uint64_t seed) {
  return hash_bytes({reinterpret_cast<const char*>(&sheet), offsetof(Sheet<T>, checksum)}, seed);
}

template <class T>
void write_sheet(std::uint64_t magic, const T& content, std::uint64_t seed, char* page) {
  Sheet<T> sheet{magic, content, 0};
  static_assert(sizeof sheet <= kPage);
  sheet.checksum = checksum_of(sheet, seed);
  std::memset(page, 0, kPage);
  std::memcpy(page, &sheet, sizeof sheet);
}

template <class T>
std::optional<T> read_sheet(std::uint64_t magic, std::string_view page, std::uint64_t seed) {
  Sheet<T> sheet;
  if (page.size() < sizeof sheet) return std::nullopt;
  std::memcpy(&sheet, page.data(), sizeof sheet);
  if (sheet.magic != magic || sheet.checksum != checksum_of(sheet, seed)) return std::nullopt;
  return sheet.content;
}

struct GeometryOnDisk {
  std::uint64_t identity, segment_bytes, chunk_bytes, segment_count;
};
struct HeadOnDisk {
  std::uint64_t generation, segment;
};

struct GivenUpOnDisk {
  std::uint64_t generation, segment, distrusted;
};

std::uint64_t seed_of(std::uint64_t identity, std::uint64_t generation) { return identity ^ generation * 31; }

std::string_view bound_to(const SegmentHead& head) {
  return {reinterpret_cast<const char*>(&head.generation), sizeof head.generation};
}

bool lies_inside(const TocEntry& entry, const Geometry& geometry) {
  const auto kind = static_cast<std::uint8_t>(entry.kind());
  return kind >= static_cast<std::uint8_t>(RecordKind::kObject) &&
         kind <= static_cast<std::uint8_t>(RecordKind::kTombstone) && entry.offset() >= kPage &&
         entry.bytes() >= sizeof(RecordHeader) && entry.bytes() <= (PageClass::kMostPages - 1) * kPage &&
         entry.offset() + entry.bytes() <= geometry.segment_bytes - kPage;
}

}  // namespace

void write_geometry(const Geometry& geometry, char* page) {
  write_sheet(
      kFileMagic,
      GeometryOnDisk{geometry.identity, geometry.segment_bytes, geometry.chunk_bytes, geometry.segment_count},
      0, page);
}

std::optional<Geometry> read_geometry(std::string_view page) {
  const auto found = read_sheet<GeometryOnDisk>(kFileMagic, page, 0);
  if (!found) return std::nullopt;
  return Geometry{found->identity, found->segment_bytes, found->chunk_bytes,
                  static_cast<std::uint32_t>(found->segment_count)};
}

void write_segment_head(const SegmentHead& head, std::uint64_t identity, char* page) {
  write_sheet(kHeadMagic, HeadOnDisk{head.generation, head.segment}, identity, page);
}

std::optional<SegmentHead> read_segment_head(std::string_view page, std::uint64_t identity) {
  const auto found = read_sheet<HeadOnDisk>(kHeadMagic, page, identity);
  if (!found) return std::nullopt;
  return SegmentHead{found->generation, static_cast<std::uint32_t>(found->segment)};
}

void write_given_up(const GivenUp& given_up, std::uint64_t identity, char* page) {
  write_sheet(kGivenUpMagic,
              GivenUpOnDisk{given_up.generation, given_up.segment, given_up.distrusted ? 1U : 0U}, identity,
              page);
}

std::optional<GivenUp> read_given_up(std::string_view page, std::uint64_t identity) {
  const auto found = read_sheet<GivenUpOnDisk>(kGivenUpMagic, page, identity);
  if (!found) return std::nullopt;
  return GivenUp{found->generation, static_cast<std::uint32_t>(found->segment), found->distrusted != 0};
}

void write_progress(std::uint64_t generation, std::uint64_t identity, char* page) {
  write_sheet(kProgressMagic, generation, identity, page);
}

std::optional<std::uint64_t> read_progress(std::string_view page, std::uint64_t identity) {
  return read_sheet<std::uint64_t>(kProgressMagic, page, identity);
}

std::string make_segment_end(const SegmentHead& head, std::span<const TocEntry> entries,
                             std::uint64_t identity, const Keyring& keyring, std::uint8_t key_id) {
  const std::uint64_t toc_bytes = SegmentFoot::toc_bytes(entries.size());
  std::string end(toc_bytes + kPage, '\0');
  char* toc = end.data() + (toc_bytes - entries.size_bytes());
  if (!entries.empty()) std::memcpy(toc, entries.data(), entries.size_bytes());
  SegmentFoot foot;
  foot.generation = head.generation;
  foot.segment = head.segment;
  foot.entries = static_cast<std::uint32_t>(entries.size());
  foot.key_id = key_id;
  if (key_id != 0) {
    fill_random(foot.nonce.data(), foot.nonce.size());
    const Aes256Gcm cipher = keyring.cipher(key_id, identity, head.generation);
    if (!cipher.seal(foot.nonce, bound_to(head), toc, entries.size_bytes(),
                     reinterpret_cast<char*>(foot.tag.data()))) {
      return {};
    }
  }
  foot.entries_checksum = hash_bytes({toc, entries.size_bytes()}, seed_of(identity, head.generation));
  write_sheet(kFootMagic, foot, identity, end.data() + toc_bytes);
  return end;
}

std::optional<SegmentFoot> read_segment_foot(std::string_view page, std::uint64_t identity) {
  return read_sheet<SegmentFoot>(kFootMagic, page, identity);
}

std::optional<std::vector<TocEntry>> read_toc(const SegmentFoot& foot, std::span<char> bytes,
                                              const Geometry& geometry, const Keyring& keyring) {
  const std::uint64_t size = foot.entries * sizeof(TocEntry);
  if (bytes.size() < size || foot.key_id > 255) return std::nullopt;
  const auto key_id = static_cast<std::uint8_t>(foot.key_id);
  if (!keyring.has(key_id)) return std::nullopt;
  char* toc = bytes.data() + (bytes.size() - size);
  if (hash_bytes({toc, size}, seed_of(geometry.identity, foot.generation)) != foot.entries_checksum) {
    return std::nullopt;
  }
  if (key_id != 0) {
    const Aes256Gcm cipher = keyring.cipher(key_id, geometry.identity, foot.generation);
    if (!cipher.open(foot.nonce, bound_to({foot.generation, foot.segment}), toc, size,
                     reinterpret_cast<const char*>(foot.tag.data()))) {
      return std::nullopt;
    }
  }
  std::vector<TocEntry> entries(foot.entries);
  if (size != 0) std::memcpy(entries.data(), toc, size);
  const bool sound = std::all_of(entries.begin(), entries.end(),
                                 [&](const TocEntry& entry) { return lies_inside(entry, geometry); });
  if (!sound) return std::nullopt;
  return entries;
}

}  // namespace meridian::ssd
