#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace meridian::upstream {

// A target's url in parts.
struct OriginUrl {
  bool tls = false;
  std::string host;  // without brackets, lower case
  std::uint16_t port = 0;
  std::string authority;  // for Host: as in the url, a default port dropped
  std::string base_path;  // put before every request's path; without the last slash, "" for none

  // "http://host[:port][/base]", "https://[::1]:8443". No user, query or fragment.
  [[nodiscard]] static Result<OriginUrl> parse(std::string_view url);
};

}  // namespace meridian::upstream
