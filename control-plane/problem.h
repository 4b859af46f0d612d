#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace meridian::control {

// What an API call is answered with.
struct ApiAnswer {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::string fields = {};  // further header fields, as a block
};

// Problem details (RFC 9457): `code` is a stable word for programs, `detail` a sentence for people.
ApiAnswer problem(int status, std::string_view code, std::string_view detail);
// What an error of the log or the store means to the caller.
ApiAnswer problem_of(const Error& error);

}  // namespace meridian::control
