#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/result.h"

namespace meridian::cli {

// What the command line asks for; made by parse_command_line().
struct Options {
  enum class Command : std::uint8_t {
    kNone,
    kLogin,
    kState,
    kLog,
    kPurge,
    kTokenList,
    kTokenMake,
    kTokenRevoke,
    kStoreMigrate,
  };
  Command command = Command::kNone;
  std::string login_file;
  bool json = false;

  // login
  std::string server;
  std::string token_file;
  std::string ca_file;
  // state, log
  std::optional<std::uint64_t> at;
  std::optional<std::uint64_t> after;
  std::string kind;
  bool follow = false;
  // purge
  std::vector<std::string> urls, prefixes, tags;
  std::string site;
  bool all = false;
  bool soft = false;
  std::string key;
  // token
  std::string name, role, id;
  std::vector<std::string> sites;
  // store migrate
  std::string from, to;
};

// Does it; the answer goes to standard output. The error is what standard error and the exit status say.
[[nodiscard]] Result<void> run(const Options& options);

// The body of POST /v1/purges; an error when nothing is named, or what does not go together.
[[nodiscard]] Result<std::string> purge_body(const Options& options);

// Copies a whole log from one store to an empty other one; says how far it has come.
[[nodiscard]] Result<void> migrate_store(const Options& options);

}  // namespace meridian::cli
