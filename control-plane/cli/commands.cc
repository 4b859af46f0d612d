#include "control-plane/cli/commands.h"

#include <cstdio>

#include "control-plane/cli/session.h"
#include "control-plane/cli/table.h"
#include "lib/base/aead.h"
#include "lib/base/digest.h"

namespace meridian::cli {
namespace {

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void print_json(const wire::Json& json) { print(json.to_text() + "\n"); }

Failure wrong(std::string sentence) {
  return fail(ErrorCode::kInvalid, ErrorSource::kOperator, std::move(sentence));
}

// Percent-encoded for a query, but for what is never special there.
std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    if (is_plain) {
      out += c;
    } else {
      out.append("%").append(hex(std::string_view(&c, 1)));
    }
  }
  return out;
}

Result<void> login(const Options& options, const std::string& path) {
  Result<std::string> token = read_token(options.token_file);
  if (!token) return Failure(token.error());
  const Login login{options.server, *std::move(token), options.ca_file};
  const auto session = Session::open(login);
  if (!session) return Failure(session.error());
  // What does not work is not kept.
  const auto state = (*session)->ask("GET", "/v1/state");
  if (!state) return Failure(state.error());
  if (auto written = write_login(path, login); !written) return written;
  print("logged in at " + login.server + "\n");
  return {};
}

Result<void> show_state(Session& session, const Options& options) {
  const auto state =
      session.ask("GET", "/v1/state" + (options.at ? "?at=" + std::to_string(*options.at) : ""));
  if (!state) return Failure(state.error());
  if (options.json) {
    print_json(*state);
  } else {
    print(state_text(*state));
  }
  return {};
}

Result<void> follow_log(Session& session, const Options& options) {
  std::string target = "/v1/log?follow=true";
  if (options.after) target += "&after=" + std::to_string(*options.after);
  if (!options.kind.empty()) target += "&kind=" + encoded(options.kind);
  return session.lines(target, [&](std::string_view line) {
    const auto entry = wire::Json::parse(line);
    print(options.json || !entry ? std::string(line) + "\n" : entry_line(*entry));
    return true;
  });
}

Result<void> show_log(Session& session, const Options& options) {
  if (options.follow) return follow_log(session, options);
  std::uint64_t after = options.after.value_or(0);
  std::vector<std::vector<std::string>> rows = {entry_head()};
  for (bool has_more = true; has_more;) {
    std::string target = "/v1/log?after=" + std::to_string(after);
    if (!options.kind.empty()) target += "&kind=" + encoded(options.kind);
    const auto page = session.ask("GET", target);
    if (!page) return Failure(page.error());
    const wire::Json* const entries = page->find("entries");
    const wire::Json* const next = page->find("next");
    const wire::Json* const more = page->find("more");
    if (entries == nullptr || next == nullptr || more == nullptr) return wrong("this is no page of a log");
    for (const wire::Json& entry : entries->items()) {
      if (options.json) print_json(entry);
      rows.push_back(entry_row(entry));
    }
    after = next->number().value_or(after);
    has_more = more->flag();
    // Page by page, so that a long log needs no memory.
    if (!options.json) print(table(rows));
    rows.clear();
  }
  return {};
}

Result<void> purge(Session& session, const Options& options) {
  const auto body = purge_body(options);
  if (!body) return Failure(body.error());
  std::string key = options.key;
  if (key.empty()) {
    std::string bytes(12, '\0');
    fill_random(bytes.data(), bytes.size());
    key = hex(bytes);
  }
  auto receipt = session.ask("POST", "/v1/purges", *body, key);
  // The key makes it safe to ask again.
  if (!receipt && receipt.error().code != ErrorCode::kInvalid)
    receipt = session.ask("POST", "/v1/purges", *body, key);
  if (!receipt) return Failure(receipt.error());
  if (options.json) {
    print_json(*receipt);
    return {};
  }
  const wire::Json* const seq = receipt->find("seq");
  const wire::Json* const targets = receipt->find("targets");
  if (seq == nullptr || targets == nullptr) return wrong("this is no receipt");
  print("purge " + seq->text() + " is in the log: " + targets->text() +
        (targets->text() == "1" ? " target\n" : " targets\n"));
  return {};
}

Result<void> list_tokens(Session& session, const Options& options) {
  const auto tokens = session.ask("GET", "/v1/tokens");
  if (!tokens) return Failure(tokens.error());
  if (options.json) {
    print_json(*tokens);
    return {};
  }
  std::vector<std::vector<std::string>> rows = {{"ID", "NAME", "ROLE", "SITES", "SINCE"}};
  if (const wire::Json* const all = tokens->find("tokens")) {
    for (const wire::Json& token : all->items()) {
      std::vector<std::string>& row = rows.emplace_back();
      for (const std::string_view name : {"id", "name", "role", "sites", "seq"}) {
        const wire::Json* const value = token.find(name);
        const bool is_list = value != nullptr && value->is(wire::Json::Kind::kArray);
        row.push_back(value == nullptr ? "" : is_list ? value->to_text() : value->text());
      }
    }
  }
  print(table(rows));
  return {};
}

Result<void> make_token(Session& session, const Options& options) {
  std::string body;
  wire::JsonWriter writer(body);
  writer.begin_object().key("name").string(options.name).key("role").string(options.role);
  if (!options.sites.empty()) {
    writer.key("sites").begin_array();
    for (const std::string& site : options.sites) writer.string(site);
    writer.end_array();
  }
  writer.end_object();
  const auto made = session.ask("POST", "/v1/tokens", body);
  if (!made) return Failure(made.error());
  const wire::Json* const text = made->find("token");
  if (options.json || text == nullptr) {
    print_json(*made);
  } else {
    print(text->text() + "\n");
  }
  return {};
}

Result<void> revoke_token(Session& session, const Options& options) {
  const auto revoked = session.ask("DELETE", "/v1/tokens/" + encoded(options.id));
  if (!revoked) return Failure(revoked.error());
  if (options.json) {
    print_json(*revoked);
  } else {
    print("revoked\n");
  }
  return {};
}

}  // namespace

Result<std::string> purge_body(const Options& options) {
  const bool has_some = !options.urls.empty() || !options.prefixes.empty() || !options.tags.empty();
  if (options.all && (has_some || !options.site.empty())) return wrong("--all stands alone");
  if (!has_some && options.site.empty() && !options.all)
    return wrong("name what to purge: --url, --prefix, --tag, --site or --all");
  std::string body;
  wire::JsonWriter writer(body);
  writer.begin_object().key("mode").string(options.soft ? "soft" : "hard").key("targets").begin_array();
  const auto add = [&](std::string_view name, const std::vector<std::string>& values) {
    for (const std::string& value : values) {
      writer.begin_object().key(name).string(value);
      if (!options.site.empty()) writer.key("site").string(options.site);
      writer.end_object();
    }
  };
  add("url", options.urls);
  add("prefix", options.prefixes);
  add("tag", options.tags);
  if (!has_some && !options.site.empty()) writer.begin_object().key("site").string(options.site).end_object();
  if (options.all) writer.begin_object().key("all").flag(true).end_object();
  writer.end_array().end_object();
  return body;
}

Result<void> run(const Options& options) {
  const std::string path = options.login_file.empty() ? login_file() : options.login_file;
  if (options.command == Options::Command::kLogin) return login(options, path);
  if (options.command == Options::Command::kStoreMigrate) return migrate_store(options);
  const auto kept = read_login(path);
  if (!kept) return Failure(kept.error());
  const auto session = Session::open(*kept);
  if (!session) return Failure(session.error());
  switch (options.command) {
    case Options::Command::kState:
      return show_state(**session, options);
    case Options::Command::kLog:
      return show_log(**session, options);
    case Options::Command::kPurge:
      return purge(**session, options);
    case Options::Command::kTokenList:
      return list_tokens(**session, options);
    case Options::Command::kTokenMake:
      return make_token(**session, options);
    default:
      return revoke_token(**session, options);
  }
}

}  // namespace meridian::cli
