#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace meridian::replay {

// One line of a trace, as it says.
struct TraceLine {
  enum class Kind : std::uint8_t {
    kRequest,
    kSkipped,  // empty, a comment, or a request that no cache answers (not GET, or passed by)
    kBad,
  };
  Kind kind = Kind::kSkipped;
  std::int64_t time_ms = 0;
  std::string key;
  std::uint64_t bytes = 0;
  std::uint32_t ttl_s = 0;   // 0: not said
  std::string_view problem;  // why it is bad
};

// Longer keys are bad lines.
inline constexpr std::size_t kMostKeyBytes = 64 * 1024;

// Understands, line by line:
//   - the edge's access log as JSON: `time`, `method`, `scheme`, `host`, `path`, `bytes` and, to know what
//   was
//     passed by, `cache`;
//   - the edge's access log in the combined format, which other servers write too: the key is the path;
//   - `time key size [ttl]`, separated by blanks: seconds (a fraction is allowed), anything without blanks,
//     bytes, seconds. `#` begins a comment.
TraceLine parse_trace_line(std::string_view line);

}  // namespace meridian::replay
