#include <algorithm>
#include <string>

#include "edge/tiers/memcached/reply.h"
#include "lib/base/check.h"

// What a memcached server sends: the same whole as in pieces, no value beyond the limit, and no end of bytes
// that says nothing.
namespace {

constexpr std::size_t kMaxValue = 64;

std::string said(std::string_view bytes, std::size_t step) {
  using namespace meridian::memcached;
  ReplyReader reader(kMaxValue);
  std::string all;
  while (!bytes.empty()) {
    const std::span<char> room = reader.room();
    CHECK(!room.empty());
    const std::size_t now = bytes.copy(room.data(), std::min(step, room.size()));
    reader.commit(now);
    bytes.remove_prefix(now);
    for (;;) {
      const Reply reply = reader.next();
      if (reply.kind == Reply::Kind::kMore) break;
      CHECK(reply.value.size <= kMaxValue && reply.name.size() <= ReplyReader::kMaxLine);
      all += static_cast<char>('a' + static_cast<int>(reply.kind));
      all += std::string(reply.name) + "=" + std::string(reply.value.view()) + std::to_string(reply.number);
      if (reply.kind == Reply::Kind::kBroken) return all;
    }
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = said(bytes, std::string::npos);
  for (const std::size_t step : {std::size_t{1}, std::size_t{5}}) CHECK(said(bytes, step) == whole);
  return 0;
}
