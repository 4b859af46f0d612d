#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace meridian {

// SHA-256 (FIPS 180-4) as 64 hex digits in lower case.
std::string sha256_hex(std::string_view bytes);

// Whether two texts are the same, in a time that depends on their lengths only: for secrets.
bool equals_in_constant_time(std::string_view a, std::string_view b);

// RFC 4648 section 4, with padding.
std::string base64(std::string_view bytes);
// Nothing when it is not exactly what base64() makes.
std::optional<std::string> from_base64(std::string_view text);

std::string hex(std::string_view bytes);

}  // namespace meridian
