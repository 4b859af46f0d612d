#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace meridian::control {

// Writes a file whole, for its owner alone, and durable: another file first, which then takes its place.
[[nodiscard]] Result<void> write_secret(const std::string& path, std::string_view text);

}  // namespace meridian::control
