#pragma once

#include <string>

#include "lib/base/result.h"

namespace meridian::cli {

// Where the control plane is and how one is known to it; kept in a file that its owner alone may read.
struct Login {
  std::string server;  // http(s)://host[:port]
  std::string token;
  std::string ca_file;  // for https; empty: the system's
};

// The file that is used unless another is named: $MERIDIAN_LOGIN, or ~/.config/meridian/login.json.
std::string login_file();
// Refused when others may read it.
[[nodiscard]] Result<Login> read_login(const std::string& path);
[[nodiscard]] Result<void> write_login(const std::string& path, const Login& login);
// The first line of a file, or of standard input for "-": a token is never an argument, which everybody sees.
[[nodiscard]] Result<std::string> read_token(const std::string& path);

}  // namespace meridian::cli
