#include "lib/base/check.h"
#include "lib/wire/cdn_loop.h"
#include "lib/wire/hop.h"

// What edges say to each other: whatever is read can be written, and means the same then; adding ourselves to
// CDN-Loop is seen by whoever counts.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace meridian::wire;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto ask = parse_hop_ask(text)) {
    const auto again = serialize(*ask);
    // Longer than it was only by quotes and by the names of what it had left out.
    if (again) CHECK(parse_hop_ask(*again) == ask);
    CHECK(again || text.size() + 64 > kMostHopBytes);
  }
  if (const auto fill = parse_hop_fill(text)) CHECK(parse_hop_fill(serialize(*fill)) == fill);
  if (const auto refusal = parse_hop_refusal(text)) CHECK(parse_hop_refusal(serialize(*refusal)) == refusal);
  if (const auto count = count_in_cdn_loop(text, "meridian")) {
    CHECK(count_in_cdn_loop(with_cdn_info(text, "meridian"), "MERIDIAN") == *count + 1);
  }
  return 0;
}
