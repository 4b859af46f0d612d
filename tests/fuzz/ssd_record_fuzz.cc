#include <cstring>

#include "edge/tiers/ssd/record.h"
#include "edge/tiers/ssd/recovery.h"
#include "lib/base/check.h"

// Input: four numbers of two bytes (lengths of key and head, a bit to flip, kind), then the bytes that
// records are made from; also taken as what a disk gave.
namespace {

namespace ssd = meridian::ssd;
using meridian::ObjectMeta;
using meridian::Slice;

struct Numbers {
  std::uint16_t key_bytes, head_bytes, flip, kind;
};

// Whatever a disk gives is refused, or is a record that lies inside what was given.
void read_garbage(std::string bytes, const ssd::Keyring& keyring) {
  const ssd::RecordSpot spot{1, 2, 4096};
  if (const auto view = ssd::open_record(bytes.data(), bytes.size(), spot, keyring)) {
    CHECK(view->header.total_bytes() <= ssd::round_up(bytes.size(), ssd::kUnit));
    CHECK(view->key.size() + view->head.size() + view->body.size() <= bytes.size());
  }
  const ssd::Geometry geometry{
      .identity = 1, .segment_bytes = 64 << 10, .chunk_bytes = 4096, .segment_count = 2};
  std::string segment(geometry.segment_bytes, '\0');
  std::memcpy(segment.data() + ssd::kPage, bytes.data(), std::min(bytes.size(), segment.size() - ssd::kPage));
  for (const ssd::TocEntry& entry : ssd::scan_segment(segment.data(), {2, 0}, geometry).entries) {
    CHECK(entry.offset() + entry.bytes() <= geometry.segment_bytes);
  }
}

// What was written comes back, and with one bit changed does not.
void write_and_read(const Numbers& numbers, std::string_view bytes, const ssd::Keyring& keyring) {
  ssd::RecordSource source;
  const ObjectMeta meta;
  source.meta = &meta;
  source.key = bytes.substr(0, numbers.key_bytes % 200);
  bytes.remove_prefix(source.key.size());
  source.header.kind = static_cast<std::uint8_t>(1 + numbers.kind % 4);
  source.header.key_id = keyring.current();
  source.header.key_bytes = static_cast<std::uint16_t>(source.key.size());
  source.header.head_or_chunk = numbers.head_bytes;
  if (source.header.has_meta()) {
    source.head = bytes.substr(0, numbers.head_bytes % 500);
    source.header.head_or_chunk = static_cast<std::uint32_t>(source.head.size());
    bytes.remove_prefix(source.head.size());
  }
  source.header.body_bytes = static_cast<std::uint32_t>(bytes.size());
  const Slice body = Slice::of_static(bytes);
  source.body = {&body, 1};
  const ssd::RecordSpot spot{1, 2, 8192};
  std::string record(source.header.total_bytes(), '?');
  CHECK(ssd::write_record(source, spot, keyring, record.data()));
  std::string copy = record;
  const auto view = ssd::open_record(copy.data(), copy.size(), spot, keyring);
  CHECK(view && view->key == source.key && view->head == source.head && view->body == bytes);
  const std::size_t used = sizeof(ssd::RecordHeader) + source.header.payload_bytes();
  const std::size_t bit = numbers.flip % (used * 8);
  copy = record;
  copy[bit / 8] = static_cast<char>(copy[bit / 8] ^ 1 << bit % 8);
  CHECK(!ssd::open_record(copy.data(), copy.size(), spot, keyring));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ssd::Keyring plain;
  static const ssd::Keyring encrypted = *ssd::Keyring::parse("3 " + std::string(64, '5'), "keys");
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Numbers numbers{};
  if (size < sizeof numbers || size > 64 << 10) return 0;
  std::memcpy(&numbers, data, sizeof numbers);
  for (const ssd::Keyring* keyring : {&plain, &encrypted}) {
    read_garbage(std::string(bytes), *keyring);
    write_and_read(numbers, bytes.substr(sizeof numbers), *keyring);
  }
  return 0;
}
