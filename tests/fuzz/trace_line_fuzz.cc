#include "bench/replay/trace_line.h"
#include "lib/base/check.h"

// Lines of a trace or of an access log: what parses has a key, bounded numbers, and can be written and read
// back as a plain line when its key has no blanks.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace meridian::replay;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const TraceLine line = parse_trace_line(text);
  CHECK(line.problem.empty() == (line.kind != TraceLine::Kind::kBad));
  if (line.kind != TraceLine::Kind::kRequest) return 0;
  CHECK(!line.key.empty() && line.key.size() <= kMostKeyBytes);
  const auto is_odd = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
  for (const char c : line.key) {
    if (is_odd(c)) return 0;
  }
  if (line.time_ms < 0) return 0;
  const std::string fraction = std::to_string(1000 + line.time_ms % 1000).substr(1);
  const std::string plain = std::to_string(line.time_ms / 1000) + "." + fraction + " " + line.key + " " +
                            std::to_string(line.bytes) + " " + std::to_string(line.ttl_s);
  const TraceLine again = parse_trace_line(plain);
  CHECK(again.kind == TraceLine::Kind::kRequest);
  CHECK(again.time_ms == line.time_ms && again.key == line.key && again.bytes == line.bytes);
  CHECK(again.ttl_s == line.ttl_s);
  return 0;
}
