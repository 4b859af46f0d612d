#include <cstring>

#include "edge/tiers/memcached/value.h"
#include "lib/base/check.h"
#include "lib/base/hash.h"

// A value from memcached: what is taken says its own key, and writing it again gives the same bytes. The
// checksum would keep the fuzzer out, so it is put right first; what was in its place is the key that is
// asked for, in half of all cases the value's own.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace meridian;
  using namespace meridian::memcached;
  const std::string raw(reinterpret_cast<const char*>(data), size);
  CHECK(!decode(Slice::copy_of(raw), "key").object || raw.size() >= kFixedBytes);
  if (raw.size() < kFixedBytes) return 0;

  // Where the sizes say that the body begins.
  const auto number = [&](std::size_t at, std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) value |= std::uint64_t{data[at + i]} << (8 * i);
    return value;
  };
  const std::uint64_t key_size = number(44, 2);
  const std::uint64_t front_size = 58 + key_size + number(46, 4);
  const std::size_t end = raw.size() - 8;
  if (front_size > end) return 0;
  std::string mended = raw;
  const std::uint64_t front_hash =
      hash_bytes(std::string_view(raw).substr(0, front_size), 0x6D72643143686B73ULL);
  std::uint64_t checksum = hash_bytes(std::string_view(raw).substr(front_size, end - front_size), front_hash);
  for (std::size_t i = 0; i < 8; ++i, checksum >>= 8U) mended[end + i] = static_cast<char>(checksum & 0xFFU);

  const std::string key = raw.substr(58, key_size);
  const Decoded decoded = decode(Slice::copy_of(mended), key);
  CHECK(decode(Slice::copy_of(mended), key + "x").object.get() == nullptr);
  if (!decoded.object) return 0;
  CHECK(decoded.object->key() == key);
  const EncodedValue again = encode(*decoded.object);
  CHECK(again.front + std::string(again.body.view()) + std::string(again.checksum.data(), 8) == mended);
  return 0;
}
