#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control-plane/log/tokens.h"
#include "lib/base/result.h"
#include "lib/wire/purge.h"

namespace meridian::control {

// Reads the body of POST /v1/purges: {"mode": "hard" | "soft", "targets": [...]}, or one target beside "mode"
// in the outermost object; mode is hard when it is not said. URLs may be spelled in any way; they come out in
// the form of a cache key (http::make_key). Errors name the target.
[[nodiscard]] Result<wire::Purge> parse_purge_request(std::string_view body);

// The URL, or prefix of one, in the form of a cache key.
[[nodiscard]] Result<std::string> normal_url(std::string_view url);

// Why a token may not purge that; "" when it may.
std::string refusal_for(const Token& token, const wire::Purge& purge);

// An idempotency key as one caller's, and of one part of a request that became several entries.
std::string part_key(const Token& token, std::string_view key, std::size_t part);
// A key as the Idempotency-Key field says it: a quoted string or bare; "" when it is none.
[[nodiscard]] Result<std::string> parse_idempotency_key(std::string_view field);
inline constexpr std::size_t kMostCallerKeyBytes = 128;

}  // namespace meridian::control
