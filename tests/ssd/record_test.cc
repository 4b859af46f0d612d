#include "edge/tiers/ssd/record.h"

#include <gtest/gtest.h>

#include <random>

#include "edge/tiers/ssd/segment_format.h"
#include "tests/contract/tier_objects.h"

namespace meridian::ssd {
namespace {

const std::string kKeyLine = "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

Keyring ring_of(const std::string& text) {
  auto ring = Keyring::parse(text, "keys");
  EXPECT_TRUE(ring) << (ring ? "" : ring.error().context);
  return ring ? *ring : Keyring();
}

// A record in memory, as it would be written.
struct Written {
  std::string bytes;
  RecordSpot spot{77, 5, 8192};
  ObjectMeta meta = test::meta_of("key", 3);
  std::string body = test::bytes_of("key", 3, "body", 1000);

  explicit Written(const Keyring& keyring, RecordKind kind = RecordKind::kObject) {
    const Slice slice = Slice::of_static(body);
    RecordSource source;
    source.header.kind = static_cast<std::uint8_t>(kind);
    source.header.key_id = keyring.current();
    source.header.key_bytes = 3;
    source.header.key_hash = hash_of_key("key");
    source.header.fill_id = 9;
    source.header.fill_seq = meta.fill_seq;
    source.header.length = body.size();
    source.header.body_bytes = static_cast<std::uint32_t>(body.size());
    source.header.head_or_chunk = kind == RecordKind::kChunk ? 12 : 4;
    source.meta = &meta;
    source.key = "key";
    if (kind != RecordKind::kChunk) source.head = "head";
    source.body = {&slice, 1};
    bytes.assign(source.header.total_bytes(), '?');
    EXPECT_TRUE(write_record(source, spot, keyring, bytes.data()));
  }
};

class SsdRecord : public ::testing::TestWithParam<bool> {
 protected:
  Keyring keyring_ = GetParam() ? ring_of(kKeyLine) : Keyring();
};

TEST_P(SsdRecord, ComesBackAsItWasWritten) {
  Written written(keyring_);
  EXPECT_EQ(written.bytes.size() % kUnit, 0U);
  EXPECT_EQ(written.bytes.find("head") == std::string::npos, GetParam()) << "encrypted, or not";
  const auto view = open_record(written.bytes.data(), written.bytes.size(), written.spot, keyring_);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->key, "key");
  EXPECT_EQ(view->head, "head");
  EXPECT_EQ(view->body, written.body);
  EXPECT_EQ(view->meta, written.meta);
  EXPECT_EQ(view->header.fill_id, 9U);
  EXPECT_EQ(index_hash_of(view->header), hash_of_key("key"));
}

TEST_P(SsdRecord, AChunkHasNoHeadAndAHashOfItsOwn) {
  Written written(keyring_, RecordKind::kChunk);
  const auto view = open_record(written.bytes.data(), written.bytes.size(), written.spot, keyring_);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->key, "key");
  EXPECT_EQ(view->body, written.body);
  EXPECT_EQ(index_hash_of(view->header), hash_of_chunk(hash_of_key("key"), view->header.fill_id, 12));
}

TEST_P(SsdRecord, IsValidNowhereElse) {
  const Written written(keyring_);
  for (const RecordSpot spot : {RecordSpot{78, 5, 8192}, RecordSpot{77, 6, 8192}, RecordSpot{77, 5, 8256}}) {
    EXPECT_FALSE(check_record(written.bytes.data(), written.bytes.size(), spot));
  }
}

TEST_P(SsdRecord, AnyFlippedBitAndAnyCutIsNoticed) {
  const Written written(keyring_);
  const std::size_t used = written.bytes.size() / kUnit * kUnit - kUnit + 1;
  for (std::size_t bit = 0; bit < used * 8; ++bit) {
    std::string bad = written.bytes;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
    ASSERT_FALSE(open_record(bad.data(), bad.size(), written.spot, keyring_)) << bit;
  }
  for (std::size_t size = 0; size < used; ++size) {
    ASSERT_FALSE(check_record(written.bytes.data(), size, written.spot)) << size;
  }
}

INSTANTIATE_TEST_SUITE_P(PlainAndEncrypted, SsdRecord, ::testing::Bool());

TEST(SsdKeyring, AnOldKeyStillReadsAndAMissingOneDoesNot) {
  const Keyring old = ring_of(kKeyLine);
  const Keyring rotated = ring_of("# newest first\n2 " + std::string(64, 'b') + "\r\n\n" + kKeyLine);
  const Keyring without = ring_of("2 " + std::string(64, 'b'));
  const Keyring other = ring_of("1 " + std::string(64, 'c'));
  EXPECT_EQ(rotated.current(), 2);
  Written written(old);
  std::string copy = written.bytes;
  EXPECT_TRUE(open_record(copy.data(), copy.size(), written.spot, rotated));
  for (const Keyring& ring : {without, other, Keyring()}) {
    copy = written.bytes;
    EXPECT_FALSE(open_record(copy.data(), copy.size(), written.spot, ring));
  }
}

TEST(SsdKeyring, RefusesWhatIsNoFileOfKeys) {
  for (const std::string& text :
       {std::string(), std::string("\n# nothing\n"), std::string("0 ") + std::string(64, 'a'),
        std::string("256 ") + std::string(64, 'a'), std::string("1 ") + std::string(63, 'a'),
        std::string("1 ") + std::string(63, 'a') + "g", std::string(64, 'a'),
        std::string("x ") + std::string(64, 'a'), kKeyLine + kKeyLine}) {
    EXPECT_FALSE(Keyring::parse(text, "keys")) << text;
  }
  EXPECT_FALSE(Keyring::load("/nowhere/keys"));
}

class SsdSegmentEnd : public ::testing::TestWithParam<bool> {
 protected:
  Geometry geometry_{.identity = 99, .segment_bytes = 1 << 20, .chunk_bytes = 4096, .segment_count = 4};
  Keyring keyring_ = GetParam() ? ring_of(kKeyLine) : Keyring();
  std::vector<TocEntry> entries(std::size_t count) const {
    std::vector<TocEntry> entries;
    for (std::size_t i = 0; i < count; ++i) {
      entries.emplace_back(i * 77, kPage + i * 128, 128,
                           i % 9 == 0 ? RecordKind::kTombstone : RecordKind::kObject);
    }
    return entries;
  }
  std::optional<std::vector<TocEntry>> read(std::string end, const Keyring& keyring) const {
    const auto foot = read_segment_foot(std::string_view(end).substr(end.size() - kPage), geometry_.identity);
    if (!foot) return std::nullopt;
    return read_toc(*foot, {end.data(), end.size() - kPage}, geometry_, keyring);
  }
};

TEST_P(SsdSegmentEnd, ComesBack) {
  for (const std::size_t count : {0, 1, 255, 256, 257, 3000}) {
    const auto written = entries(count);
    const std::string end = make_segment_end({6, 2}, written, 99, keyring_, keyring_.current());
    EXPECT_EQ(end.size() % kPage, 0U);
    const auto found = read(end, keyring_);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ((*found)[i].index_hash, written[i].index_hash);
      EXPECT_EQ((*found)[i].offset(), written[i].offset());
      EXPECT_EQ((*found)[i].kind(), written[i].kind());
    }
  }
}

TEST_P(SsdSegmentEnd, AnyFlippedBitIsNoticed) {
  const std::string end = make_segment_end({6, 2}, entries(20), 99, keyring_, keyring_.current());
  const std::size_t toc = kPage - 20 * sizeof(TocEntry);
  for (std::size_t at = toc; at < kPage + 80; ++at) {
    std::string bad = end;
    bad[at] = static_cast<char>(bad[at] ^ 4);
    EXPECT_FALSE(read(bad, keyring_)) << at;
  }
  if (GetParam()) {
    EXPECT_FALSE(read(end, Keyring()));
  }
}

TEST_P(SsdSegmentEnd, EntriesOutsideTheSegmentAreRefused) {
  for (const TocEntry entry :
       {TocEntry(1, 0, 128, RecordKind::kObject), TocEntry(1, (1 << 20) - kPage, 128, RecordKind::kObject),
        TocEntry(1, kPage, 32 << 20, RecordKind::kObject),
        TocEntry(1, kPage, 128, static_cast<RecordKind>(0)),
        TocEntry(1, kPage, 128, static_cast<RecordKind>(7))}) {
    const std::vector<TocEntry> one = {entry};
    EXPECT_FALSE(read(make_segment_end({6, 2}, one, 99, keyring_, keyring_.current()), keyring_));
  }
}

INSTANTIATE_TEST_SUITE_P(PlainAndEncrypted, SsdSegmentEnd, ::testing::Bool());

TEST(SsdPages, ComeBackAndBelongToTheirFile) {
  std::string page(kPage, 'x');
  const Geometry geometry{
      .identity = 7, .segment_bytes = 1 << 24, .chunk_bytes = 1 << 18, .segment_count = 640};
  write_geometry(geometry, page.data());
  const auto found = read_geometry(page);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->identity, 7U);
  EXPECT_EQ(found->file_bytes(), geometry.file_bytes());
  write_segment_head({8, 3}, 7, page.data());
  EXPECT_EQ(read_segment_head(page, 7)->generation, 8U);
  EXPECT_FALSE(read_segment_head(page, 6));
  EXPECT_FALSE(read_geometry(page));
  write_progress(12, 7, page.data());
  EXPECT_EQ(read_progress(page, 7), 12U);
  EXPECT_FALSE(read_progress(page, 8));
}

}  // namespace
}  // namespace meridian::ssd
