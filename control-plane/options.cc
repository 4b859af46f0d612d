#include "control-plane/options.h"

#include <CLI/CLI.hpp>

#include "config/values.h"

namespace meridian::control {
namespace {

constexpr std::string_view kDescription =
    "meridian-control: the control plane of a Meridian fleet.\n\n"
    "  meridian-control --listen 127.0.0.1:7400 --data /var/lib/meridian-control\n"
    "  meridian-control --config control.yaml\n";

constexpr std::string_view kFooter =
    "\nThe first start writes an administrator's token to DATA/admin.token, for its owner alone to read.\n"
    "Signals: SIGTERM and SIGINT finish what is under way and end; SIGHUP reads the certificate again.\n"
    "The chosen address is printed as 'listening on ADDRESS:PORT'. See docs/control-plane.md.";

struct Flags {
  std::string file, listen, data, node;
  bool check = false;
};

CommandLine refused(const std::string& message) {
  return {std::nullopt, "meridian-control: " + message + "\n", 2};
}

CommandLine with_flags(config::ControlConfig config, const Flags& flags) {
  if (!flags.listen.empty()) {
    const auto address = config::parse(config::Address{}, flags.listen);
    if (!address) {
      return refused("--listen: found '" + flags.listen +
                     "', allowed: " + std::string(config::expected(config::Address{})));
    }
    config.listen = *address;
  }
  if (!flags.data.empty()) config.data_folder = flags.data;
  if (!flags.node.empty()) {
    const auto node = config::parse(config::Token{}, flags.node);
    if (!node) return refused("--node: allowed: " + std::string(config::expected(config::Token{})));
    config.node = *node;
  }
  if (const auto checked = config::check_control(config); !checked)
    return {std::nullopt, checked.error().context + "\n", 2};
  if (flags.check) return {std::nullopt, "the configuration is valid\n", 0};
  return {std::move(config), "", 0};
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  Flags flags;
  CLI::App app{std::string(kDescription), "meridian-control"};
  app.footer(std::string(kFooter));
  app.add_option("--config", flags.file, "file with everything that can be set (docs/reference/control.md)");
  app.add_option("--listen", flags.listen, "address:port of the API; port 0 lets the kernel choose");
  app.add_option("--data", flags.data, "folder of this node's own");
  app.add_option("--node", flags.node, "this node's name in the log; without it the machine's");
  app.add_flag("--check", flags.check, "read the configuration, say what is wrong with it, and exit");
  app.set_version_flag("--version", "meridian-control " MERIDIAN_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {
    std::ostringstream text;
    app.exit(wanted, text, text);
    return {std::nullopt, text.str(), 0};
  } catch (const CLI::ParseError& error) {
    return refused(std::string(error.what()) + "; see --help");
  }
  if (flags.file.empty()) return with_flags({}, flags);
  Result<config::ControlConfig> loaded = config::load_control(flags.file);
  if (!loaded) return {std::nullopt, loaded.error().context + "\n", 2};
  return with_flags(*std::move(loaded), flags);
}

}  // namespace meridian::control
