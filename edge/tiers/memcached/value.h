#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "edge/tiers/object.h"
#include "lib/base/bytes.h"

// How an object lies in memcached: packet in, packet out, no sockets. Whatever is not exactly what an edge
// has written for this key is rejected; a rejection is a miss.
namespace meridian::memcached {

// An object's name on the wire: "mrd1:" and 128 bits of hash in hex. The digit is the version of the format,
// so that edges of two versions beside each other never read each other's values. Two keys may share a name:
// the value holds the whole key.
class WireKey {
 public:
  static constexpr std::size_t kBytes = 5 + 32;
  explicit WireKey(std::string_view key);
  std::string_view view() const { return {text_.data(), text_.size()}; }

 private:
  std::array<char, kBytes> text_;
};

// A value in the pieces that are written one behind the other.
struct EncodedValue {
  std::string front;  // fixed part, key, head
  Slice body;
  std::array<char, 8> checksum;  // over all that is before it
  std::size_t size() const { return front.size() + body.size + checksum.size(); }
};
// What a value has besides key, head and body.
inline constexpr std::size_t kFixedBytes = 58 + 8;
// Key, head and body together: what `max_object` bounds.
std::uint64_t content_bytes(const Object& object);
EncodedValue encode(const Object& object);

enum class Reject : std::uint8_t {
  kNone,
  kGarbage,   // not of our making, of another version, cut short, or with lengths that do not add up
  kChecksum,  // damaged
  kOtherKey,  // whole, but another key's
  kTooLarge,  // longer than any value of ours (found by the reader of replies)
};
inline constexpr std::size_t kRejects = 5;
std::string_view name_of(Reject reject);

struct Decoded {
  Ref<Object> object;
  Reject reject = Reject::kNone;
};
// A large body stays in the memory that `value` shares; a small one is copied.
Decoded decode(const Slice& value, std::string_view key);

// Seconds that memcached may keep it: what is left of its lifetime, of the longer stale window, and of
// `keep_stale_s` after these, in which it can still be validated instead of fetched. 0: nothing is left.
// Never more than 30 days, as memcached takes larger numbers for a date.
std::uint32_t keep_for_s(const ObjectMeta& meta, std::int64_t now_s, std::uint32_t keep_stale_s);
inline constexpr std::uint32_t kMostKeptS = 30 * 86'400;

}  // namespace meridian::memcached
