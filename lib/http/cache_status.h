#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "lib/http/reuse.h"

// Our member of the Cache-Status field (RFC 9211).
namespace meridian::http {

struct CacheStatus {
  bool hit = false;
  MissReason fwd = MissReason::kNone;  // when not a hit; its finer token becomes the detail if none is given
  int fwd_status = 0;                  // 0: not said
  std::optional<std::int64_t> ttl_s;   // negative once stale
  bool stored = false;
  bool collapsed = false;
  std::string_view key;     // "": not shown
  std::string_view detail;  // a token or any text; "": none
};

inline constexpr std::size_t kCacheStatusBytes = 512;

// Writes "meridian; hit; ttl=30" into `out` and returns what was written. A parameter that does not fit, or
// whose characters a structured field cannot hold, is left out. `cache_name`: a token. An upstream's own
// Cache-Status lines stay in front: add this one as a further line (section 2).
std::string_view write_cache_status(const CacheStatus& status, std::string_view cache_name,
                                    std::span<char> out);

}  // namespace meridian::http
