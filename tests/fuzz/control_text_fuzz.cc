#include "control-plane/log/entry.h"
#include "control-plane/log/state.h"
#include "control-plane/purge_request.h"
#include "control-plane/routes.h"
#include "control-plane/store/etcd_text.h"
#include "lib/base/check.h"
#include "lib/base/digest.h"

// What the control plane reads: entries, states, bodies and queries of its API, and etcd's answers. Whatever
// is read can be written, and means the same then.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace meridian;
  using namespace meridian::control;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto entry = parse_entry(text)) {
    const auto again = parse_entry(serialize(*entry));
    // Only a text with long escapes can have grown beyond what an entry may have.
    CHECK(again ? *again == *entry : serialize(*entry).size() > kMostEntryBytes);
    State state;
    const auto reason = state.apply(*entry);
    CHECK(reason.has_value() == (state.seq() == 0));
  }
  if (const auto state = State::parse(text)) {
    const auto again = State::parse(state->to_text());
    CHECK(again && again->to_text() == state->to_text());
  }
  if (const auto purge = parse_purge_request(text)) {
    for (const wire::Purge& part : split_purge(purge->mode, purge->targets)) {
      const auto logged = wire::parse_purge(serialize(part));
      CHECK(logged && *logged == part);
    }
  }
  if (const auto url = normal_url(text)) {
    const auto again = normal_url(*url);
    CHECK(again && *again == *url);
  }
  (void)query_value(text, "after");
  if (const auto key = parse_idempotency_key(text)) CHECK(key->size() <= kMostCallerKeyBytes);
  if (const auto bytes = from_base64(text)) CHECK(base64(*bytes) == text);
  if (const auto json = wire::Json::parse(text)) (void)etcd::parse_transaction(*json);
  return 0;
}
