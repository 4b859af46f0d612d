#include "lib/http/cache_control.h"

#include <algorithm>

#include "lib/http/http1.h"
#include "lib/http/sf.h"

namespace meridian::http {
namespace {

// One directive and where it is kept: a flag, seconds, field names, or a flag with one of these as its
// argument.
struct Directive {
  std::string_view name;
  bool CacheControl::*flag;
  std::optional<std::int64_t> CacheControl::*seconds;
  std::vector<std::string> CacheControl::*names;
};

constexpr Directive kDirectives[] = {
    {"max-age", nullptr, &CacheControl::max_age_s, nullptr},
    {"s-maxage", nullptr, &CacheControl::s_maxage_s, nullptr},
    {"stale-while-revalidate", nullptr, &CacheControl::stale_while_revalidate_s, nullptr},
    {"stale-if-error", nullptr, &CacheControl::stale_if_error_s, nullptr},
    {"max-stale", &CacheControl::max_stale_any, &CacheControl::max_stale_s, nullptr},
    {"min-fresh", nullptr, &CacheControl::min_fresh_s, nullptr},
    {"no-store", &CacheControl::no_store, nullptr, nullptr},
    {"no-cache", &CacheControl::no_cache, nullptr, &CacheControl::no_cache_fields},
    {"private", &CacheControl::is_private, nullptr, &CacheControl::private_fields},
    {"public", &CacheControl::is_public, nullptr, nullptr},
    {"must-revalidate", &CacheControl::must_revalidate, nullptr, nullptr},
    {"proxy-revalidate", &CacheControl::proxy_revalidate, nullptr, nullptr},
    {"must-understand", &CacheControl::must_understand, nullptr, nullptr},
    {"no-transform", &CacheControl::no_transform, nullptr, nullptr},
    {"immutable", &CacheControl::immutable, nullptr, nullptr},
    {"only-if-cached", &CacheControl::only_if_cached, nullptr, nullptr},
};

const Directive* find_directive(std::string_view name) {
  for (const Directive& directive : kDirectives) {
    if (equals_ignoring_case(directive.name, name)) return &directive;
  }
  return nullptr;
}

// Both forms of an argument are taken: token and quoted-string (RFC 9111 section 5.2). Numbers and field
// names need no escapes, so a quoted-string with one is left as it is and found wanting later.
std::string_view unquote(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
  return text;
}

// Adds the field names; false when there are none or one is no name: the directive then holds for the whole
// response, which is the careful reading.
bool add_names(std::string_view list, std::vector<std::string>& to) {
  bool good = true;
  bool any = false;
  for_each_member(list, [&](std::string_view name) {
    any = true;
    good = is_token(name);
    if (good) to.emplace_back(name);
    return good;
  });
  return any && good;
}

void apply(const Directive& directive, std::string_view argument, bool has_argument, CacheControl& to) {
  if (directive.names != nullptr && has_argument) {
    if (!add_names(argument, to.*directive.names)) to.*directive.flag = true;
    return;
  }
  if (directive.seconds != nullptr && (has_argument || directive.flag == nullptr)) {
    std::optional<std::int64_t>& seconds = to.*directive.seconds;
    if (!seconds) seconds = parse_delta_seconds(argument).value_or(0);
    return;
  }
  to.*directive.flag = true;
}

// The argument of a targeted field's member in the terms of apply(); false when its type is wrong (RFC 9213
// section 2.1).
bool apply_member(const Directive& directive, const sf::Member& member, CacheControl& to) {
  if (member.is_inner_list) return false;
  const sf::BareItem& value = member.value;
  if (directive.seconds != nullptr && value.is(sf::BareItem::Type::kInteger)) {
    to.*directive.seconds = std::clamp(value.number(), std::int64_t{0}, kMaxDeltaSeconds);
    return true;
  }
  if (directive.names != nullptr && value.is(sf::BareItem::Type::kString)) {
    if (!add_names(value.text(), to.*directive.names)) to.*directive.flag = true;
    return true;
  }
  if (directive.flag == nullptr || !value.is(sf::BareItem::Type::kBoolean)) return false;
  to.*directive.flag = value.is_true();
  return true;
}

}  // namespace

std::optional<std::int64_t> parse_delta_seconds(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::int64_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = std::min(value * 10 + (c - '0'), kMaxDeltaSeconds);
  }
  return value;
}

void parse_cache_control(std::string_view value, CacheControl& to) {
  for_each_member(value, [&](std::string_view member) {
    const std::size_t equals = member.find('=');
    const Directive* directive = find_directive(member.substr(0, equals));
    if (directive == nullptr) return true;
    const bool has_argument = equals != std::string_view::npos;
    apply(*directive, has_argument ? unquote(member.substr(equals + 1)) : std::string_view(), has_argument,
          to);
    return true;
  });
}

std::optional<CacheControl> parse_targeted(std::string_view value) {
  const std::optional<sf::Dictionary> dictionary = sf::parse_dictionary(value);
  if (!dictionary || dictionary->empty()) return std::nullopt;
  CacheControl directives;
  for (const sf::Entry& entry : *dictionary) {
    const Directive* directive = find_directive(entry.key);
    if (directive != nullptr && !apply_member(*directive, entry.member, directives)) return std::nullopt;
  }
  return directives;
}

ResponseDirectives response_directives(const FieldList& fields) {
  static constexpr struct {
    FieldId field;
    DirectiveSource source;
  } kTargets[] = {{FieldId::kMeridianCacheControl, DirectiveSource::kMeridianCacheControl},
                  {FieldId::kCdnCacheControl, DirectiveSource::kCdnCacheControl}};
  ResponseDirectives result;
  std::string scratch;
  for (const auto& target : kTargets) {
    if (!fields.has(target.field)) continue;
    std::optional<CacheControl> directives = parse_targeted(fields.combined(target.field, scratch));
    if (directives) return {std::move(*directives), target.source};
  }
  if (!fields.has(FieldId::kCacheControl)) return result;
  result.source = DirectiveSource::kCacheControl;
  for (const Field& field : fields) {
    if (field.id == FieldId::kCacheControl) parse_cache_control(field.value, result.cache_control);
  }
  return result;
}

CacheControl request_directives(const FieldList& fields) {
  CacheControl directives;
  if (fields.has(FieldId::kCacheControl)) {
    for (const Field& field : fields) {
      if (field.id == FieldId::kCacheControl) parse_cache_control(field.value, directives);
    }
  } else if (fields.has(FieldId::kPragma)) {
    for (const Field& field : fields) {
      if (field.id == FieldId::kPragma && list_has(field.value, "no-cache")) directives.no_cache = true;
    }
  }
  return directives;
}

}  // namespace meridian::http
