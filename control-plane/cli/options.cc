#include "control-plane/cli/options.h"

#include <CLI/CLI.hpp>

namespace meridian::cli {
namespace {

constexpr std::string_view kDescription =
    "meridian: looks after a Meridian fleet through its control plane.\n\n"
    "  meridian login --server http://127.0.0.1:7400 --token-file admin.token\n"
    "  meridian purge --tag product-42\n"
    "  meridian log --follow\n";

constexpr std::string_view kFooter =
    "\nThe login is kept in $MERIDIAN_LOGIN, or ~/.config/meridian/login.json, for its owner alone to read.\n"
    "Exit status: 0 done, 1 refused or wrong, 2 the command line is wrong, 3 not known to be done; ask "
    "again.";

using Command = Options::Command;

void add_login(CLI::App& app, Options& options) {
  CLI::App* const login = app.add_subcommand("login", "remember where the control plane is, and a token");
  login->add_option("--server", options.server, "http(s)://host[:port]")->required();
  login
      ->add_option("--token-file", options.token_file,
                   "file whose first line is the token; - for standard input")
      ->required();
  login->add_option("--ca", options.ca_file,
                    "for https: PEM file with the authority of the server's certificate");
  login->callback([&] { options.command = Command::kLogin; });
}

void add_looking(CLI::App& app, Options& options) {
  CLI::App* const state = app.add_subcommand("state", "the state, now or as it was");
  state->add_option("--at", options.at, "as it was at this entry of the log");
  state->callback([&] { options.command = Command::kState; });
  CLI::App* const log = app.add_subcommand("log", "every change: who, when, from where, what");
  log->add_option("--after", options.after, "entries behind this one");
  log->add_option("--kind", options.kind, "entries of this kind only: purge, token, token-revoked, leader");
  log->add_flag("--follow", options.follow, "go on with what comes");
  log->callback([&] { options.command = Command::kLog; });
}

void add_purge(CLI::App& app, Options& options) {
  CLI::App* const purge = app.add_subcommand("purge", "what edges have stored is gone, or stale");
  purge->add_option("--url", options.urls, "exactly this URL with its query, in all variants");
  purge->add_option("--prefix", options.prefixes, "every URL that begins so");
  purge->add_option("--tag", options.tags, "what carries this Surrogate-Key or Cache-Tag");
  purge->add_option("--site", options.site, "the whole site; beside the others: only objects of that site");
  purge->add_flag("--all", options.all, "everything");
  purge->add_flag("--soft", options.soft, "stale instead of gone");
  purge->add_option("--key", options.key, "idempotency key: the same key is done once");
  purge->callback([&] { options.command = Command::kPurge; });
}

void add_tokens(CLI::App& app, Options& options) {
  CLI::App* const token = app.add_subcommand("token", "who may do what");
  token->require_subcommand(1);
  token->add_subcommand("list", "all tokens, without their secrets")->callback([&] {
    options.command = Command::kTokenList;
  });
  CLI::App* const make = token->add_subcommand("make", "a new token; its text is printed this once");
  make->add_option("--name", options.name, "whose it is, for the audit")->required();
  make->add_option("--role", options.role, "viewer, purger, operator or admin")->required();
  make->add_option("--site", options.sites, "of a purger: only this site; may be given again");
  make->callback([&] { options.command = Command::kTokenMake; });
  CLI::App* const revoke = token->add_subcommand("revoke", "a token opens nothing any more");
  revoke->add_option("id", options.id, "as `token list` shows it")->required();
  revoke->callback([&] { options.command = Command::kTokenRevoke; });
}

void add_store(CLI::App& app, Options& options) {
  CLI::App* const store = app.add_subcommand("store", "the log's home");
  store->require_subcommand(1);
  CLI::App* const migrate =
      store->add_subcommand("migrate", "copy a whole log to an empty store; stop its nodes first");
  const std::string form = "sqlite:FILE, or etcd:http://host:2379,...[/prefix/]";
  migrate->add_option("--from", options.from, form)->required();
  migrate->add_option("--to", options.to, form)->required();
  migrate->add_option("--ca", options.ca_file,
                      "for https: PEM file with the authority of etcd's certificates");
  migrate->callback([&] { options.command = Command::kStoreMigrate; });
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  CommandLine line;
  std::string output = "table";
  CLI::App app{std::string(kDescription), "meridian"};
  app.footer(std::string(kFooter));
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--output", output, "json or table")->check(CLI::IsMember({"json", "table"}));
  app.add_option("--login", line.options.login_file, "another file than the usual one");
  app.set_version_flag("--version", "meridian " MERIDIAN_VERSION);
  add_login(app, line.options);
  add_looking(app, line.options);
  add_purge(app, line.options);
  add_tokens(app, line.options);
  add_store(app, line.options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {
    std::ostringstream text;
    app.exit(wanted, text, text);
    return {{}, text.str(), 0};
  } catch (const CLI::ParseError& error) {
    return {{}, "meridian: " + std::string(error.what()) + "; see --help\n", 2};
  }
  line.options.json = output == "json";
  return line;
}

}  // namespace meridian::cli
