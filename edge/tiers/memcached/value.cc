#include "edge/tiers/memcached/value.h"

#include <algorithm>
#include <cstring>

#include "lib/base/hash.h"

namespace meridian::memcached {
namespace {

constexpr std::string_view kMagic = "MRD1";
constexpr std::string_view kPrefix = "mrd1:";
constexpr std::uint64_t kChecksumSeed = 0x6D72643143686B73ULL;
constexpr std::uint64_t kSecondKeySeed = 0x6D7264314B657932ULL;

// Numbers are little-endian on every machine.
class Writer {
 public:
  explicit Writer(std::string& to) : to_(to) {}
  template <class T>
  void number(T value) {
    auto bits = static_cast<std::make_unsigned_t<T>>(value);
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      to_ += static_cast<char>(static_cast<std::uint64_t>(bits) >> (8 * i) & 0xFFU);
    }
  }

 private:
  std::string& to_;
};

// Reads no further than its caller has checked.
class Reader {
 public:
  explicit Reader(const char* from) : at_(from) {}
  template <class T>
  T number() {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      bits |= static_cast<std::uint64_t>(static_cast<unsigned char>(at_[i])) << (8 * i);
    }
    at_ += sizeof(T);
    return static_cast<T>(bits);
  }

 private:
  const char* at_;
};

constexpr std::size_t kHeaderBytes = kFixedBytes - 8;

struct Header {
  ObjectMeta meta;
  std::uint16_t key_size = 0;
  std::uint32_t head_size = 0;
  std::uint64_t body_size = 0;
};

// The one list of the fields, for both directions.
template <class Field>
void each_field(Header& header, const Field& field) {
  ObjectMeta& meta = header.meta;
  field(meta.fill_seq);
  field(meta.response_time_s);
  field(meta.initial_age_s);
  field(meta.lifetime_s);
  field(meta.stale_revalidate_s);
  field(meta.stale_error_s);
  field(meta.status);
  field(meta.flags);
  field(meta.site);
  field(header.key_size);
  field(header.head_size);
  field(header.body_size);
}

std::uint64_t checksum_of(std::string_view front, std::string_view body) {
  return hash_bytes(body, hash_bytes(front, kChecksumSeed));
}

// One piece: the body itself when it lies in one, else a copy.
Slice whole_body(const Object& object) {
  if (object.piece_count() == 1) return object.piece(0);
  Ref<Block> block = Block::allocate(object.body_size());
  char* to = block->data();
  for (std::size_t i = 0; i < object.piece_count(); ++i) {
    const Slice piece = object.piece(i);
    to = std::copy_n(piece.data, piece.size, to);
  }
  const char* data = block->data();
  return {std::move(block), data, object.body_size()};
}

void write_hex(std::uint64_t number, char* to) {
  for (std::size_t i = 16; i-- > 0; number >>= 4U) to[i] = "0123456789abcdef"[number & 15U];
}

}  // namespace

WireKey::WireKey(std::string_view key) {
  char* to = std::copy(kPrefix.begin(), kPrefix.end(), text_.data());
  write_hex(hash_of_key(key), to);
  write_hex(hash_bytes(key, kSecondKeySeed), to + 16);
}

std::uint64_t content_bytes(const Object& object) {
  return object.key().size() + object.head().size() + object.body_size();
}

EncodedValue encode(const Object& object) {
  Header header{.meta = object.meta(),
                .key_size = static_cast<std::uint16_t>(object.key().size()),
                .head_size = static_cast<std::uint32_t>(object.head().size()),
                .body_size = object.body_size()};
  EncodedValue value;
  value.front.reserve(kHeaderBytes + object.key().size() + object.head().size());
  value.front += kMagic;
  Writer writer(value.front);
  each_field(header, [&](auto field) { writer.number(field); });
  value.front += object.key();
  value.front += object.head();
  value.body = whole_body(object);
  std::string checksum;
  Writer(checksum).number(checksum_of(value.front, value.body.view()));
  std::copy(checksum.begin(), checksum.end(), value.checksum.begin());
  return value;
}

std::string_view name_of(Reject reject) {
  constexpr std::array<std::string_view, kRejects> kNames = {"none", "garbage", "checksum", "other-key",
                                                             "too-large"};
  return kNames[static_cast<std::size_t>(reject)];
}

Decoded decode(const Slice& value, std::string_view key) {
  const std::string_view bytes = value.view();
  if (bytes.size() < kFixedBytes || bytes.substr(0, kMagic.size()) != kMagic) return {{}, Reject::kGarbage};
  Header header;
  Reader reader(bytes.data() + kMagic.size());
  each_field(header, [&]<class T>(T& field) { field = reader.number<T>(); });

  const std::uint64_t content = bytes.size() - kFixedBytes;
  const std::uint64_t names = std::uint64_t{header.key_size} + header.head_size;
  if (header.body_size > content || names != content - header.body_size) return {{}, Reject::kGarbage};

  const std::size_t front_size = kHeaderBytes + names;
  const Slice body = value.sub(front_size, header.body_size);
  const auto checksum = Reader(body.data + body.size).number<std::uint64_t>();
  if (checksum != checksum_of(bytes.substr(0, front_size), body.view())) return {{}, Reject::kChecksum};
  if (bytes.substr(kHeaderBytes, header.key_size) != key) return {{}, Reject::kOtherKey};

  const std::string_view head = bytes.substr(kHeaderBytes + header.key_size, header.head_size);
  Ref<Object> object = Object::from_fill(key, header.meta, head, {&body, 1});
  if (!object) return {{}, Reject::kGarbage};
  return {std::move(object), Reject::kNone};
}

std::uint32_t keep_for_s(const ObjectMeta& meta, std::int64_t now_s, std::uint32_t keep_stale_s) {
  const std::int64_t resident_s = now_s > meta.response_time_s ? now_s - meta.response_time_s : 0;
  const std::int64_t stale_s = std::max(meta.stale_revalidate_s, meta.stale_error_s);
  const std::int64_t useful_s = std::int64_t{meta.lifetime_s} + stale_s + keep_stale_s - meta.initial_age_s;
  const std::int64_t left_s = resident_s >= useful_s ? 0 : useful_s - resident_s;
  return static_cast<std::uint32_t>(std::min<std::int64_t>(left_s, kMostKeptS));
}

}  // namespace meridian::memcached
