#include <cstring>

#include "edge/tiers/ssd/purge_journal.h"
#include "edge/tiers/ssd/segment_format.h"
#include "lib/base/check.h"

// Input: what a disk gave where a page or a table of contents should be, or a journal of purges; and entries
// of 16 bytes that a table is made from.
namespace {

namespace ssd = meridian::ssd;

constexpr std::uint64_t kIdentity = 9;

void read_garbage(std::string_view bytes) {
  const ssd::Geometry geometry{
      .identity = kIdentity, .segment_bytes = 1 << 20, .chunk_bytes = 4096, .segment_count = 2};
  ssd::read_geometry(bytes);
  ssd::read_segment_head(bytes, kIdentity);
  ssd::read_given_up(bytes, kIdentity);
  ssd::read_progress(bytes, kIdentity);
  ssd::SegmentFoot foot;
  if (bytes.size() >= sizeof foot) std::memcpy(&foot, bytes.data(), sizeof foot);
  std::string toc(bytes);
  // A page that was right once, before a table that is not.
  ssd::read_toc(foot, {toc.data(), toc.size()}, geometry, ssd::Keyring());
  std::vector<ssd::PurgeJournal::Entry> entries;
  bool intact = false;
  CHECK(ssd::PurgeJournal::parse(bytes, &entries, &intact) <= bytes.size());
}

// A table of any entries comes back as it is, or is refused because an entry lies outside of the segment.
void write_and_read(std::string_view bytes, const ssd::Keyring& keyring) {
  const ssd::Geometry geometry{
      .identity = kIdentity, .segment_bytes = 1 << 20, .chunk_bytes = 4096, .segment_count = 2};
  std::vector<ssd::TocEntry> entries(bytes.size() / sizeof(ssd::TocEntry));
  if (!entries.empty()) std::memcpy(entries.data(), bytes.data(), entries.size() * sizeof entries[0]);
  std::string end = ssd::make_segment_end({4, 1}, entries, kIdentity, keyring, keyring.current());
  const auto foot = ssd::read_segment_foot(std::string_view(end).substr(end.size() - ssd::kPage), kIdentity);
  CHECK(foot && foot->entries == entries.size());
  const auto found = ssd::read_toc(*foot, {end.data(), end.size() - ssd::kPage}, geometry, keyring);
  if (!found) return;
  CHECK(found->size() == entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    CHECK((*found)[i].index_hash == entries[i].index_hash);
    CHECK((*found)[i].offset() >= ssd::kPage);
    CHECK((*found)[i].offset() + (*found)[i].bytes() <= geometry.segment_bytes - ssd::kPage);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ssd::Keyring encrypted = *ssd::Keyring::parse("3 " + std::string(64, '5'), "keys");
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (size > 256 << 10) return 0;
  read_garbage(bytes);
  write_and_read(bytes, ssd::Keyring());
  write_and_read(bytes, encrypted);
  return 0;
}
