#include "control-plane/purge_request.h"

#include <algorithm>

#include "lib/http/target_uri.h"
#include "lib/wire/json_fields.h"

namespace meridian::control {
namespace {

using wire::Json;
using wire::JsonFields;
using wire::PurgeScope;
using wire::PurgeTarget;

// Of 10,000 targets each may take as much as a URL may.
constexpr std::size_t kMostBodyBytes = 256 * 1024 * 1024;

Failure invalid(std::string sentence) {
  return fail(ErrorCode::kInvalid, ErrorSource::kClient, std::move(sentence));
}

// A target whose URL may be in any spelling.
Result<PurgeTarget> parse_target(const Json& json, const std::string& path) {
  const bool is_prefix = json.find("prefix") != nullptr;
  if (!is_prefix && json.find("url") == nullptr) return wire::parse_purge_target(json, path);
  const std::string_view name = is_prefix ? "prefix" : "url";
  JsonFields fields(json, path);
  PurgeTarget target;
  target.scope = is_prefix ? PurgeScope::kPrefix : PurgeScope::kUrl;
  const std::string url = fields.text(name, 1, wire::kMostPurgeUrlBytes);
  if (fields.has("site")) target.site = fields.text("site", 1, wire::kMostSiteBytes);
  Result<std::string> normal = fields.ok() ? normal_url(url) : std::string();
  if (!normal) fields.wrong(name, normal.error().context);
  if (normal && normal->size() > wire::kMostPurgeUrlBytes)
    fields.wrong(name, "is too long in its normal form");
  if (const auto finished = fields.finish(); !finished) return Failure(finished.error());
  target.value = *std::move(normal);
  return target;
}

}  // namespace

Result<std::string> normal_url(std::string_view url) {
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return invalid("is to begin with http:// or https://");
  std::string scheme(url.substr(0, scheme_end));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const std::string_view rest = url.substr(scheme_end + 3);
  const std::size_t path_begin = std::min(rest.find_first_of("/?#"), rest.size());
  if (path_begin == 0) return invalid("has no host");
  std::string path(rest.substr(path_begin));
  if (path.empty() || path[0] == '?') path.insert(0, "/");
  http::TargetKey key;
  const http::UriError error = http::make_key(scheme, rest.substr(0, path_begin), path, {}, key);
  if (error != http::UriError::kNone) return invalid("is no http(s) URL: " + std::string(token_of(error)));
  return key.text;
}

Result<wire::Purge> parse_purge_request(std::string_view body) {
  wire::JsonLimits limits;
  limits.bytes = kMostBodyBytes;
  limits.values = 4 * wire::kMostPurgeTargets;
  const Result<Json> json = Json::parse(body, limits);
  if (!json) return Failure(json.error());
  JsonFields fields(*json, "");
  fields.allow_unknown();
  wire::Purge purge;
  const std::string mode = fields.text_or("mode", "hard", 16);
  if (mode == "soft") purge.mode = wire::PurgeMode::kSoft;
  if (mode != "hard" && mode != "soft") fields.wrong("mode", "is to be hard or soft");
  if (!fields.has("targets")) {
    if (const auto finished = fields.finish(); !finished) return Failure(finished.error());
    // The one target is what is left without the mode.
    std::string alone;
    wire::JsonWriter writer(alone);
    writer.begin_object();
    for (std::size_t i = 0; i < json->names().size(); ++i) {
      if (json->names()[i] != "mode") writer.key(json->names()[i]).raw(json->items()[i].to_text());
    }
    writer.end_object();
    Result<PurgeTarget> target = parse_target(*Json::parse(alone, limits), "");
    if (!target) return Failure(target.error());
    purge.targets.push_back(*std::move(target));
    return purge;
  }
  const Json* const targets = fields.array("targets", wire::kMostPurgeTargets);
  if (fields.ok() && targets->items().empty()) fields.wrong("targets", "is to have at least one member");
  if (fields.ok() && json->names().size() > (fields.has("mode") ? 2U : 1U))
    fields.wrong("targets", "stands alone, or beside mode");
  if (const auto finished = fields.finish(); !finished) return Failure(finished.error());
  for (const Json& item : targets->items()) {
    Result<PurgeTarget> target = parse_target(item, "targets[" + std::to_string(purge.targets.size()) + "]");
    if (!target) return Failure(target.error());
    purge.targets.push_back(*std::move(target));
  }
  return purge;
}

std::string refusal_for(const Token& token, const wire::Purge& purge) {
  if (token.role != Role::kPurger || token.sites.empty()) return {};
  for (const PurgeTarget& target : purge.targets) {
    const std::string& site = target.scope == PurgeScope::kSite ? target.value : target.site;
    if (std::find(token.sites.begin(), token.sites.end(), site) != token.sites.end()) continue;
    return site.empty() ? "this token may purge some sites only; each target has to name its site"
                        : "this token may not purge site '" + site + "'";
  }
  return {};
}

std::string part_key(const Token& token, std::string_view key, std::size_t part) {
  if (key.empty()) return {};
  return token.id + ":" + std::string(key) + "/" + std::to_string(part);
}

Result<std::string> parse_idempotency_key(std::string_view field) {
  std::string_view key = http::trim(field);
  if (key.size() >= 2 && key.front() == '"' && key.back() == '"') key = key.substr(1, key.size() - 2);
  const bool fits = key.size() <= kMostCallerKeyBytes && std::all_of(key.begin(), key.end(), [](char c) {
                      return c > 0x20 && c < 0x7F && c != '"' && c != '\\';
                    });
  if (!fits || (key.empty() && !field.empty()))
    return invalid("an idempotency key is 1 to " + std::to_string(kMostCallerKeyBytes) +
                   " visible characters");
  return std::string(key);
}

}  // namespace meridian::control
