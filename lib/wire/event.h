#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/wire/json.h"

// What a control plane tells its edges, as lines of JSON (`GET /v1/stream`, application/x-ndjson); pure
// functions.
//
//   {"event":"snapshot","epoch":3,"seq":120,"chain":"8a1f...","time_ms":...,"state":{...}}
//   {"event":"delta","epoch":3,"seq":121,"prev":120,"chain":"03bc...","time_ms":...,"kind":"purge",
//    "payload":{...}}     (in one line)
//   {"event":"heartbeat","epoch":3,"seq":121,"chain":"03bc...","time_ms":...}
//
// A delta follows what had seq `prev`; seqs between the two are entries that are none of an edge's business.
// `chain` sums up all deltas up to `seq`, in their order: two that have the same seq and chain have seen the
// same history. Whoever gets a delta whose prev is not its seq, or whose chain is not what it has counted
// itself, has missed something, or talks to another history: it asks for a snapshot. An older epoch than the
// last one comes from a leader that is none any more.
namespace meridian::wire {

struct Event {
  enum class Type : std::uint8_t { kSnapshot, kDelta, kHeartbeat };
  Type type = Type::kHeartbeat;
  std::uint64_t epoch = 0;
  std::uint64_t seq = 0;
  std::uint64_t prev = 0;  // of a delta
  std::uint64_t chain = 0;
  std::int64_t time_ms = 0;  // when it was logged; of a heartbeat, when it was sent; since the Unix epoch
  std::string kind;          // of a delta: "purge", ...
  std::string body;          // the payload of a delta or the state of a snapshot: JSON
  bool operator==(const Event&) const = default;
};
std::string_view name_of(Event::Type type);

// A line longer than this is no event; the largest is a snapshot.
inline constexpr std::size_t kMostEventBytes = 64 * 1024 * 1024;
inline constexpr std::size_t kMostKindBytes = 32;

// Without the line's end. `body` has no line ends, as JsonWriter and Json write none.
std::string serialize(const Event& event);
[[nodiscard]] Result<Event> parse_event(std::string_view line);

// The chain behind one more delta. `payload` as it stands in the line.
std::uint64_t next_chain(std::uint64_t chain, std::uint64_t seq, std::string_view kind,
                         std::string_view payload);

// "00000000000000ff" and back; JSON's numbers are not safe with 64 bits everywhere.
std::string chain_text(std::uint64_t chain);
[[nodiscard]] Result<std::uint64_t> parse_chain(std::string_view text);

}  // namespace meridian::wire
