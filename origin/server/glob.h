#pragma once

#include <string_view>

namespace meridian::origin {

// Path patterns of rules: `?` is one character and `*` any run of characters within a segment, `**` any run
// at all, everything else itself. The whole path must match. Takes time in proportion to pattern times path,
// never more.
bool glob_matches(std::string_view pattern, std::string_view path);

}  // namespace meridian::origin
