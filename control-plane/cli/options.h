#pragma once

#include <string>

#include "control-plane/cli/commands.h"

namespace meridian::cli {

// What to do; or, when there is nothing to do, what to print and the status to exit with.
struct CommandLine {
  Options options;
  std::string print;  // to standard output when exit_status is 0, else to standard error
  int exit_status = 0;
};
CommandLine parse_command_line(int argc, const char* const* argv);

}  // namespace meridian::cli
