#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "edge/tiers/object.h"
#include "edge/tiers/ssd/keyring.h"
#include "edge/tiers/ssd/place.h"

// One record of the log: what it looks like on disk (little-endian), how it is made, and how it is told from
// everything else. docs/tiers.md has the table.
namespace meridian::ssd {

enum class RecordKind : std::uint8_t {
  kObject = 1,     // a whole small object: metadata, key, head, body
  kHead = 2,       // of a large one: metadata, key, head
  kChunk = 3,      // a part of a large one's body: key, bytes
  kTombstone = 4,  // what its hash had before is gone
};
inline constexpr std::uint64_t kUnknownLength = ~std::uint64_t{0};

// 64 bytes before what the record holds. Numbers stay readable when the rest is encrypted.
struct RecordHeader {
  static constexpr std::uint32_t kMagic = 0x3152534D;
  std::uint32_t magic = kMagic;
  std::uint8_t kind = 0;
  std::uint8_t key_id = 0;  // of encryption; 0: none
  std::uint16_t key_bytes = 0;
  std::uint64_t generation = 0;     // of the segment
  std::uint64_t key_hash = 0;       // hash_of_key()
  std::uint64_t fill_id = 0;        // tells one writing of a key from every other one
  std::uint64_t fill_seq = 0;       // as in ObjectMeta
  std::uint64_t length = 0;         // of the object's whole body
  std::uint32_t head_or_chunk = 0;  // bytes of the head, or which chunk
  std::uint32_t body_bytes = 0;     // in this record
  std::uint64_t checksum = 0;       // over all of it, its place in the file, and the file's identity

  RecordKind record_kind() const { return static_cast<RecordKind>(kind); }
  bool has_meta() const { return record_kind() == RecordKind::kObject || record_kind() == RecordKind::kHead; }
  std::uint64_t head_bytes() const { return has_meta() ? head_or_chunk : 0; }
  // Behind the header, without the padding to a whole unit.
  std::uint64_t payload_bytes() const;
  std::uint64_t total_bytes() const { return round_up(sizeof(RecordHeader) + payload_bytes(), kUnit); }
};
static_assert(sizeof(RecordHeader) == 64);

// The index finds chunks by a hash of their own, in which their fill counts: while a body is filled anew,
// what is there of the old one can still be read.
std::uint64_t hash_of_chunk(std::uint64_t key_hash, std::uint64_t fill_id, std::uint32_t chunk);
std::uint64_t index_hash_of(const RecordHeader& header);
Place::Kind place_kind_of(RecordKind kind);

// Where a record lies: a record is valid nowhere else.
struct RecordSpot {
  std::uint64_t identity = 0;  // of the file
  std::uint64_t generation = 0;
  std::uint64_t offset = 0;  // in the file
};

// What a record is made from; generation, key_bytes and checksum of the header are filled in by write_record.
struct RecordSource {
  RecordHeader header;
  const ObjectMeta* meta = nullptr;  // of kObject and kHead
  std::string_view key;
  std::string_view head;
  std::span<const Slice> body;
};
// Writes header.total_bytes() to `to`, padding included. False: encryption failed.
[[nodiscard]] bool write_record(const RecordSource& source, const RecordSpot& spot, const Keyring& keyring,
                                char* to);

struct RecordView {
  RecordHeader header;
  ObjectMeta meta;
  std::string_view key;
  std::string_view head;
  std::string_view body;
};
// The record at `bytes`, or nothing when it is not exactly what was written for that spot. Decrypts in place.
std::optional<RecordView> open_record(char* bytes, std::uint64_t available, const RecordSpot& spot,
                                      const Keyring& keyring);
// The same without decrypting: only the header means something.
std::optional<RecordHeader> check_record(const char* bytes, std::uint64_t available, const RecordSpot& spot);

}  // namespace meridian::ssd
