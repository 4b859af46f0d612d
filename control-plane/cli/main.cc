#include <cstdio>

#include "control-plane/cli/options.h"

int main(int argc, char** argv) {
  using meridian::cli::Options;
  const meridian::cli::CommandLine line = meridian::cli::parse_command_line(argc, argv);
  if (line.options.command == Options::Command::kNone) {
    std::fputs(line.print.c_str(), line.exit_status == 0 ? stdout : stderr);
    return line.exit_status;
  }
  const auto done = meridian::cli::run(line.options);
  if (done) return 0;
  std::fprintf(stderr, "meridian: %s\n", done.error().context.c_str());
  return done.error().code == meridian::ErrorCode::kInvalid ? 1 : 3;
}
