#include "control-plane/log/entry.h"

#include <limits>

#include "lib/wire/event.h"
#include "lib/wire/json_fields.h"

namespace meridian::control {

std::string serialize(const Entry& entry) {
  std::string line;
  line.reserve(entry.payload.size() + 256);
  wire::JsonWriter writer(line);
  writer.begin_object().key("seq").number(entry.seq).key("prev").number(entry.prev);
  writer.key("epoch").number(entry.epoch).key("time_ms").integer(entry.time_ms);
  writer.key("node").string(entry.node).key("author").string(entry.author);
  if (!entry.from.empty()) writer.key("from").string(entry.from);
  if (!entry.key.empty()) writer.key("key").string(entry.key);
  writer.key("kind").string(entry.kind).key("payload").raw(entry.payload).end_object();
  return line;
}

Result<Entry> parse_entry(std::string_view line) {
  wire::JsonLimits limits;
  limits.bytes = kMostEntryBytes;
  const Result<wire::Json> json = wire::Json::parse(line, limits);
  if (!json) return Failure(json.error());
  wire::JsonFields fields(*json, "");
  Entry entry;
  entry.seq = fields.number("seq");
  entry.prev = fields.number("prev");
  entry.epoch = fields.number("epoch");
  entry.time_ms = static_cast<std::int64_t>(
      fields.number("time_ms", static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())));
  entry.node = fields.text("node", 1, kMostNameBytes);
  entry.author = fields.text("author", 1, kMostNameBytes);
  entry.from = fields.text_or("from", "", kMostNameBytes);
  entry.key = fields.text_or("key", "", kMostKeyBytes);
  entry.kind = fields.text("kind", 1, wire::kMostKindBytes);
  const wire::Json* const payload = fields.object("payload");
  if (payload != nullptr) entry.payload = payload->to_text();
  if (fields.ok() && entry.prev >= entry.seq) fields.wrong("prev", "is to be smaller than seq");
  if (const auto finished = fields.finish(); !finished) return Failure(finished.error());
  return entry;
}

}  // namespace meridian::control
