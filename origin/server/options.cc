#include "origin/server/options.h"

#include <CLI/CLI.hpp>

#include "config/values.h"

namespace meridian::origin {
namespace {

constexpr std::string_view kDescription =
    "meridian-origin: serves a folder over HTTP, and misbehaves on request.\n\n"
    "  meridian-origin --listen 127.0.0.1:8000 --root ./site\n"
    "  meridian-origin --listen 127.0.0.1:8000 --admin 127.0.0.1:8001   # generated resources and faults "
    "only\n"
    "  curl -X PUT 127.0.0.1:8001/faults -d "
    "'{\"faults\":[{\"name\":\"slow\",\"path\":\"/**\",\"delay\":\"300ms\"}]}'\n";

constexpr std::string_view kFooter =
    "\nGenerated resources: /_bytes/N  /_echo  /_status/N  /_sse  /_chunked/N (docs/origin.md).\n"
    "Signals: SIGTERM and SIGINT finish what is under way and end; SIGHUP opens the access log again.\n"
    "The chosen addresses are printed as 'listening on ADDRESS:PORT' and 'admin on ADDRESS:PORT'.";

struct Flags {
  std::string file, listen, root, admin, access_log;
  unsigned workers = 0;
  unsigned seed = 0;
  bool listing = false;
  bool check = false;
};

CommandLine refused(const std::string& message) {
  return {std::nullopt, "meridian-origin: " + message + "\n", 2};
}

// Sets an address from a flag; says what is wrong, or "".
std::string take_address(const char* flag, const std::string& text, SocketAddress& to) {
  if (text.empty()) return "";
  const auto address = config::parse(config::Address{}, text);
  if (!address)
    return std::string(flag) + ": found '" + text +
           "', allowed: " + std::string(config::expected(config::Address{}));
  to = *address;
  return "";
}

CommandLine with_flags(config::OriginServerConfig config, const Flags& flags) {
  for (const std::string& problem : {take_address("--listen", flags.listen, config.listen),
                                     take_address("--admin", flags.admin, config.admin)}) {
    if (!problem.empty()) return refused(problem);
  }
  if (!flags.root.empty()) config.root = flags.root;
  if (!flags.access_log.empty()) config.access_log = flags.access_log;
  if (flags.workers != 0) config.workers = flags.workers;
  if (flags.seed != 0) config.seed = flags.seed;
  if (flags.listing) config.listing = true;
  if (!config.listen.valid()) return refused("--listen, or `listen` in the file, is required; see --help");
  if (flags.check) return {std::nullopt, "the configuration is valid\n", 0};
  return {std::move(config), "", 0};
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  Flags flags;
  CLI::App app{std::string(kDescription), "meridian-origin"};
  app.footer(std::string(kFooter));
  app.add_option("--listen", flags.listen, "address:port to serve on; port 0 lets the kernel choose");
  app.add_option("--root", flags.root, "folder to serve; without it there are only generated resources");
  app.add_option("--admin", flags.admin, "address:port for /healthz, /metrics, /faults and /version");
  app.add_option("--config", flags.file,
                 "file with everything that can be set (docs/reference/configuration.md)");
  app.add_option("--workers", flags.workers, "threads that serve clients (default 1)")
      ->check(CLI::Range(1, 1024));
  app.add_option("--access-log", flags.access_log, "file for a line per request, '-' for standard error");
  app.add_option("--seed", flags.seed, "seed of the faults' dice, to repeat a run");
  app.add_flag("--listing", flags.listing, "list folders that have no index");
  app.add_flag("--check", flags.check, "read the configuration, say what is wrong with it, and exit");
  app.set_version_flag("--version", "meridian-origin " MERIDIAN_VERSION);
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
  Result<config::OriginServerConfig> loaded = config::load_origin_server(flags.file);
  if (!loaded) return {std::nullopt, loaded.error().context + "\n", 2};
  return with_flags(*std::move(loaded), flags);
}

}  // namespace meridian::origin
