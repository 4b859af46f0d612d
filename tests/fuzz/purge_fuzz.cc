#include "lib/base/check.h"
#include "lib/wire/event.h"
#include "lib/wire/purge.h"

// Purges and events: whatever is read can be written, and means the same then.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace meridian::wire;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto purge = parse_purge(text)) {
    for (const Purge& part : split_purge(purge->mode, purge->targets)) {
      const auto again = parse_purge(serialize(part));
      CHECK(again && *again == part);
    }
    for (const PurgeTarget& target : purge->targets) {
      if (target.scope == PurgeScope::kUrl || target.scope == PurgeScope::kPrefix)
        CHECK(matches(target, PurgeSubject{target.value, target.site, {}}));
    }
  }
  if (const auto event = parse_event(text)) {
    const std::string line = serialize(*event);
    CHECK(line.find('\n') == std::string::npos);
    const auto again = parse_event(line);
    CHECK(again && *again == *event);
  }
  return 0;
}
