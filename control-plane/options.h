#pragma once

#include <optional>
#include <string>

#include "config/control_config.h"

namespace meridian::control {

// What the command line asks for: a configuration to run with, or text to print and the status to exit with.
struct CommandLine {
  std::optional<config::ControlConfig> config;
  std::string print;  // to standard output when exit_status is 0, else to standard error
  int exit_status = 0;
};

// Reads the command line, and the file that it names; flags win over the file.
CommandLine parse_command_line(int argc, const char* const* argv);

}  // namespace meridian::control
