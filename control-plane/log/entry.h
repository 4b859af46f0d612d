#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/wire/json.h"

namespace meridian::control {

// One change of the cluster, as the log keeps it for good: what, when, and by whom (the log is the audit).
struct Entry {
  std::uint64_t seq = 0;     // 1 is the first
  std::uint64_t prev = 0;    // of the entry before; 0 for the first
  std::uint64_t epoch = 0;   // of the leader's lease that was in force
  std::int64_t time_ms = 0;  // by the writer's clock, since the Unix epoch; nothing is decided by it
  std::string node;          // that wrote it
  std::string author;        // whose token asked for it; the node's own name for what nobody asked for
  std::string from;          // the address that it was asked from; may be empty
  std::string key;           // idempotency key; may be empty
  std::string kind;
  std::string payload;  // JSON, an object
  bool operator==(const Entry&) const = default;
};

inline constexpr std::size_t kMostEntryBytes = 128 * 1024;
inline constexpr std::size_t kMostNameBytes = 128;  // of a node, an author, an address
inline constexpr std::size_t kMostKeyBytes = 255;

// One line of JSON without its end.
std::string serialize(const Entry& entry);
[[nodiscard]] Result<Entry> parse_entry(std::string_view line);

}  // namespace meridian::control
