#include "edge/tiers/ssd/record.h"

#include <bit>
#include <cstddef>
#include <cstring>

#include "lib/base/hash.h"

namespace meridian::ssd {
namespace {

static_assert(std::endian::native == std::endian::little, "the format on disk is little-endian");

constexpr std::size_t kCheckedHeader = offsetof(RecordHeader, checksum);

char* append(char* to, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

template <class T>
std::string_view bytes_of(const T& value, std::size_t size = sizeof(T)) {
  return {reinterpret_cast<const char*>(&value), size};
}

std::uint64_t checksum_of(const RecordHeader& header, std::string_view payload, const RecordSpot& spot) {
  const std::uint64_t place = hash_bytes(bytes_of(spot));
  return hash_bytes(bytes_of(header, kCheckedHeader), hash_bytes(payload, place));
}

Aes256Gcm::Nonce nonce_of(const RecordSpot& spot) {
  Aes256Gcm::Nonce nonce{};
  std::memcpy(nonce.data(), &spot.offset, sizeof spot.offset);
  return nonce;
}

bool is_kind(std::uint8_t kind) {
  return kind >= static_cast<std::uint8_t>(RecordKind::kObject) &&
         kind <= static_cast<std::uint8_t>(RecordKind::kTombstone);
}

}  // namespace

std::uint64_t RecordHeader::payload_bytes() const {
  return (has_meta() ? sizeof(ObjectMeta) : 0) + key_bytes + head_bytes() + body_bytes +
         (key_id != 0 ? Aes256Gcm::kTagBytes : 0);
}

std::uint64_t hash_of_chunk(std::uint64_t key_hash, std::uint64_t fill_id, std::uint32_t chunk) {
  const std::uint64_t name[] = {fill_id, chunk};
  return hash_bytes(bytes_of(name), key_hash);
}

std::uint64_t index_hash_of(const RecordHeader& header) {
  if (header.record_kind() != RecordKind::kChunk) return header.key_hash;
  return hash_of_chunk(header.key_hash, header.fill_id, header.head_or_chunk);
}

Place::Kind place_kind_of(RecordKind kind) {
  switch (kind) {
    case RecordKind::kObject:
      return Place::Kind::kObject;
    case RecordKind::kHead:
      return Place::Kind::kHead;
    case RecordKind::kChunk:
      return Place::Kind::kChunk;
    case RecordKind::kTombstone:
      break;
  }
  return Place::Kind::kNone;
}

bool write_record(const RecordSource& source, const RecordSpot& spot, const Keyring& keyring, char* to) {
  RecordHeader header = source.header;
  header.generation = spot.generation;
  header.key_bytes = static_cast<std::uint16_t>(source.key.size());
  char* const payload = to + sizeof header;
  char* end = payload;
  if (header.has_meta()) end = append(end, bytes_of(*source.meta));
  end = append(append(end, source.key), source.head);
  for (const Slice& slice : source.body) end = append(end, slice.view());
  if (header.key_id != 0) {
    const Aes256Gcm cipher = keyring.cipher(header.key_id, spot.identity, spot.generation);
    if (!cipher.seal(nonce_of(spot), bytes_of(header, kCheckedHeader), payload,
                     static_cast<std::size_t>(end - payload), end)) {
      return false;
    }
    end += Aes256Gcm::kTagBytes;
  }
  const std::string_view checked(payload, header.payload_bytes());
  header.checksum = checksum_of(header, checked, spot);
  std::memcpy(to, &header, sizeof header);
  std::memset(end, 0, static_cast<std::size_t>(to + header.total_bytes() - end));
  return true;
}

std::optional<RecordHeader> check_record(const char* bytes, std::uint64_t available, const RecordSpot& spot) {
  RecordHeader header;
  if (available < sizeof header) return std::nullopt;
  std::memcpy(&header, bytes, sizeof header);
  if (header.magic != RecordHeader::kMagic || header.generation != spot.generation || !is_kind(header.kind) ||
      available < sizeof header + header.payload_bytes()) {
    return std::nullopt;
  }
  const std::string_view payload(bytes + sizeof header, header.payload_bytes());
  if (checksum_of(header, payload, spot) != header.checksum) return std::nullopt;
  return header;
}

std::optional<RecordView> open_record(char* bytes, std::uint64_t available, const RecordSpot& spot,
                                      const Keyring& keyring) {
  const std::optional<RecordHeader> header = check_record(bytes, available, spot);
  if (!header || !keyring.has(header->key_id)) return std::nullopt;
  char* from = bytes + sizeof(RecordHeader);
  if (header->key_id != 0) {
    const std::size_t size = header->payload_bytes() - Aes256Gcm::kTagBytes;
    const Aes256Gcm cipher = keyring.cipher(header->key_id, spot.identity, spot.generation);
    if (!cipher.open(nonce_of(spot), bytes_of(*header, kCheckedHeader), from, size, from + size)) {
      return std::nullopt;
    }
  }
  RecordView view{.header = *header, .meta = {}, .key = {}, .head = {}, .body = {}};
  if (header->has_meta()) {
    std::memcpy(&view.meta, from, sizeof view.meta);
    from += sizeof view.meta;
  }
  view.key = {from, header->key_bytes};
  view.head = {from + header->key_bytes, header->head_bytes()};
  view.body = {from + header->key_bytes + header->head_bytes(), header->body_bytes};
  return view;
}

}  // namespace meridian::ssd
