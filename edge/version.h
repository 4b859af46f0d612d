#pragma once

namespace meridian::edge {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace meridian::edge
