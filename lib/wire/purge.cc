#include "lib/wire/purge.h"

#include <algorithm>
#include <array>

#include "lib/wire/json_fields.h"

namespace meridian::wire {
namespace {

constexpr std::array<std::string_view, 5> kScopes = {"url", "prefix", "tag", "site", "all"};
constexpr std::array<std::string_view, 2> kModes = {"hard", "soft"};

bool is_visible(char c) { return c > 0x20 && c < 0x7F; }

// What the normal form of a URL promises as far as it can be seen without knowing HTTP: a scheme, a host in
// lower case, a path, and nothing that would end it or be taken apart again.
std::string_view url_problem(std::string_view url) {
  constexpr std::string_view kUrl = "is to begin with http:// or https://, a host in lower case, and /";
  const std::size_t scheme = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
  if (scheme == 0) return kUrl;
  const std::size_t slash = url.find('/', scheme);
  if (slash == std::string_view::npos || slash == scheme) return kUrl;
  const std::string_view host = url.substr(scheme, slash - scheme);
  const bool is_host = std::none_of(host.begin(), host.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || c == '?' || c == '@' || c == '\\' || c == '%';
  });
  if (!is_host) return kUrl;
  if (!std::all_of(url.begin(), url.end(), is_visible))
    return "is to be without spaces and control characters, and all else percent-encoded";
  if (url.find('#') != std::string_view::npos) return "is to be without a fragment";
  return {};
}

PurgeScope scope_of(const JsonFields& fields) {
  for (const PurgeScope scope : {PurgeScope::kUrl, PurgeScope::kPrefix, PurgeScope::kTag, PurgeScope::kAll}) {
    if (fields.has(name_of(scope))) return scope;
  }
  return PurgeScope::kSite;
}

bool site_fits(const PurgeTarget& target, const PurgeSubject& subject) {
  return target.site.empty() || target.site == subject.site;
}

}  // namespace

std::string_view name_of(PurgeScope scope) { return kScopes[static_cast<std::size_t>(scope)]; }
std::string_view name_of(PurgeMode mode) { return kModes[static_cast<std::size_t>(mode)]; }

bool is_purge_tag(std::string_view tag) {
  return !tag.empty() && tag.size() <= kMostPurgeTagBytes &&
         std::all_of(tag.begin(), tag.end(), [](char c) { return is_visible(c) && c != ','; });
}

Result<PurgeTarget> parse_purge_target(const Json& json, const std::string& path) {
  JsonFields fields(json, path);
  PurgeTarget target;
  target.scope = scope_of(fields);
  const std::string_view name = name_of(target.scope);
  switch (target.scope) {
    case PurgeScope::kUrl:
    case PurgeScope::kPrefix:
      target.value = fields.text(name, 1, kMostPurgeUrlBytes);
      if (const auto problem = url_problem(target.value); fields.ok() && !problem.empty())
        fields.wrong(name, problem);
      break;
    case PurgeScope::kTag:
      target.value = fields.text(name, 1, kMostPurgeTagBytes);
      if (fields.ok() && !is_purge_tag(target.value))
        fields.wrong(name, "is to be visible ASCII characters without a comma");
      break;
    case PurgeScope::kSite:
      target.value = fields.text(name, 1, kMostSiteBytes);
      break;
    case PurgeScope::kAll:
      if (!fields.flag(name)) fields.wrong(name, "is to be true, when it is there");
  }
  const bool may_have_site = target.scope != PurgeScope::kSite && target.scope != PurgeScope::kAll;
  if (may_have_site && fields.has("site")) target.site = fields.text("site", 1, kMostSiteBytes);
  if (const auto finished = fields.finish(); !finished) return Failure(finished.error());
  return target;
}

void write(const PurgeTarget& target, JsonWriter& to) {
  to.begin_object().key(name_of(target.scope));
  if (target.scope == PurgeScope::kAll) {
    to.flag(true);
  } else {
    to.string(target.value);
  }
  if (!target.site.empty()) to.key("site").string(target.site);
  to.end_object();
}

std::string serialize(const Purge& purge) {
  std::string text;
  JsonWriter writer(text);
  writer.begin_object().key("mode").string(name_of(purge.mode)).key("targets").begin_array();
  for (const PurgeTarget& target : purge.targets) write(target, writer);
  writer.end_array().end_object();
  return text;
}

Result<Purge> parse_purge(const Json& json) {
  JsonFields fields(json, "");
  Purge purge;
  const std::string mode = fields.text("mode", 0, 16);
  const auto* const found = std::find(kModes.begin(), kModes.end(), mode);
  if (fields.ok() && found == kModes.end()) fields.wrong("mode", "is to be hard or soft");
  const Json* const targets = fields.array("targets", kMostPurgeTargets);
  if (fields.ok() && targets->items().empty()) fields.wrong("targets", "is to have at least one member");
  if (const auto finished = fields.finish(); !finished) return Failure(finished.error());
  purge.mode = static_cast<PurgeMode>(found - kModes.begin());
  for (const Json& item : targets->items()) {
    Result<PurgeTarget> target =
        parse_purge_target(item, "targets[" + std::to_string(purge.targets.size()) + "]");
    if (!target) return Failure(target.error());
    purge.targets.push_back(*std::move(target));
  }
  return purge;
}

Result<Purge> parse_purge(std::string_view text) {
  JsonLimits limits;
  limits.bytes = kMostPurgeBytes;
  const Result<Json> json = Json::parse(text, limits);
  return json ? parse_purge(*json) : Failure(json.error());
}

bool matches(const PurgeTarget& target, const PurgeSubject& subject) {
  switch (target.scope) {
    case PurgeScope::kUrl:
      return subject.key == target.value && site_fits(target, subject);
    case PurgeScope::kPrefix:
      return subject.key.starts_with(target.value) && site_fits(target, subject);
    case PurgeScope::kTag:
      return std::find(subject.tags.begin(), subject.tags.end(), target.value) != subject.tags.end() &&
             site_fits(target, subject);
    case PurgeScope::kSite:
      return subject.site == target.value;
    case PurgeScope::kAll:
      break;
  }
  return true;
}

bool matches(const Purge& purge, const PurgeSubject& subject) {
  return std::any_of(purge.targets.begin(), purge.targets.end(),
                     [&](const PurgeTarget& target) { return matches(target, subject); });
}

std::vector<Purge> split_purge(PurgeMode mode, std::vector<PurgeTarget> targets) {
  const std::size_t frame_bytes = serialize(Purge{mode, {}}).size();
  std::vector<Purge> purges;
  std::size_t bytes = 0;
  std::string text;
  for (PurgeTarget& target : targets) {
    text.clear();
    JsonWriter writer(text);
    write(target, writer);
    if (purges.empty() || bytes + text.size() + 1 > kMostPurgeBytes) {
      purges.push_back(Purge{mode, {}});
      bytes = frame_bytes;
    }
    bytes += text.size() + 1;
    purges.back().targets.push_back(std::move(target));
  }
  return purges;
}

}  // namespace meridian::wire
