#include "lib/wire/event.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "lib/base/hash.h"
#include "lib/wire/json_fields.h"

namespace meridian::wire {
namespace {

constexpr std::array<std::string_view, 3> kTypes = {"snapshot", "delta", "heartbeat"};
constexpr std::uint64_t kMostTime = std::numeric_limits<std::int64_t>::max();

JsonLimits event_limits() {
  JsonLimits limits;
  limits.bytes = kMostEventBytes;
  limits.values = 4'000'000;
  return limits;
}

// The object under `name`, as text.
std::string object_text(JsonFields& fields, std::string_view name) {
  const Json* const object = fields.object(name);
  return object == nullptr ? std::string() : object->to_text();
}

}  // namespace

std::string_view name_of(Event::Type type) { return kTypes[static_cast<std::size_t>(type)]; }

std::string serialize(const Event& event) {
  std::string line;
  line.reserve(event.body.size() + 192);
  JsonWriter writer(line);
  writer.begin_object().key("event").string(name_of(event.type));
  writer.key("epoch").number(event.epoch).key("seq").number(event.seq);
  if (event.type == Event::Type::kDelta) writer.key("prev").number(event.prev);
  writer.key("chain").string(chain_text(event.chain)).key("time_ms").integer(event.time_ms);
  if (event.type == Event::Type::kDelta) writer.key("kind").string(event.kind).key("payload").raw(event.body);
  if (event.type == Event::Type::kSnapshot) writer.key("state").raw(event.body);
  writer.end_object();
  return line;
}

Result<Event> parse_event(std::string_view line) {
  const Result<Json> json = Json::parse(line, event_limits());
  if (!json) return Failure(json.error());
  JsonFields fields(*json, "");
  // What a later version says besides is not in the way of this one.
  fields.allow_unknown();
  Event event;
  const std::string type = fields.text("event", 1, 16);
  const auto* const found = std::find(kTypes.begin(), kTypes.end(), type);
  if (found == kTypes.end()) {
    fields.wrong("event", "is to be snapshot, delta or heartbeat");
  } else {
    event.type = static_cast<Event::Type>(found - kTypes.begin());
  }
  event.epoch = fields.number("epoch");
  event.seq = fields.number("seq");
  event.time_ms = static_cast<std::int64_t>(fields.number("time_ms", kMostTime));
  const Result<std::uint64_t> chain = parse_chain(fields.text("chain", 16, 16));
  if (chain) {
    event.chain = *chain;
  } else {
    fields.wrong("chain", "is to be 16 hex digits in lower case");
  }
  if (event.type == Event::Type::kDelta) {
    event.prev = fields.number("prev");
    event.kind = fields.text("kind", 1, kMostKindBytes);
    event.body = object_text(fields, "payload");
    if (event.prev >= event.seq) fields.wrong("prev", "is to be smaller than seq");
  } else if (event.type == Event::Type::kSnapshot) {
    event.body = object_text(fields, "state");
  }
  if (const auto finished = fields.finish(); !finished) return Failure(finished.error());
  return event;
}

std::uint64_t next_chain(std::uint64_t chain, std::uint64_t seq, std::string_view kind,
                         std::string_view payload) {
  std::string link = chain_text(chain);
  link.append(chain_text(seq)).append(kind).append(1, ' ').append(payload);
  return hash_bytes(link);
}

std::string chain_text(std::uint64_t chain) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; chain >>= 4U) text[i] = kHex[chain & 15U];
  return text;
}

Result<std::uint64_t> parse_chain(std::string_view text) {
  std::uint64_t chain = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), chain, 16);
  const bool is_whole = error == std::errc() && end == text.data() + text.size() && text.size() == 16;
  if (!is_whole || chain_text(chain) != text)
    return fail(ErrorCode::kInvalid, ErrorSource::kClient, "a chain is 16 hex digits in lower case");
  return chain;
}

}  // namespace meridian::wire
