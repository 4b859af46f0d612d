#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace meridian::replay {

// 2026-11-21T14:29:15.123Z (RFC 3339 in UTC, with or without a fraction), in milliseconds since 1970.
std::optional<std::int64_t> parse_json_time(std::string_view text);
// 21/Nov/2026:14:29:15 +0000
std::optional<std::int64_t> parse_combined_time(std::string_view text);
// 1763735355.25
std::optional<std::int64_t> parse_seconds(std::string_view text);

}  // namespace meridian::replay
