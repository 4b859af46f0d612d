#pragma once

#include <string_view>

namespace meridian::origin {

// The media type of a file by the end of its name (media_types.def); application/octet-stream when it says
// nothing.
std::string_view media_type_of(std::string_view file_name);

}  // namespace meridian::origin
