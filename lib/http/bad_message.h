#pragma once

#include <cstdint>
#include <string_view>

// Why a message is refused: declared once in bad_message.def, shown everywhere under the same tokens.
namespace meridian::http {

enum class BadMessage : std::uint8_t {
#define BAD(id, token, status, explanation) id,
#include "lib/http/bad_message.def"
#undef BAD
};

inline constexpr std::size_t kBadMessageCount = 0
#define BAD(id, token, status, explanation) +1
#include "lib/http/bad_message.def"
#undef BAD
    ;

std::string_view token_of(BadMessage reason);
std::string_view explanation_of(BadMessage reason);
int status_of(BadMessage reason);  // for a request; a response that is refused makes a 502

}  // namespace meridian::http
