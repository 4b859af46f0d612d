#include "control-plane/log/tokens.h"

#include <algorithm>
#include <array>

#include "control-plane/log/entry.h"
#include "lib/base/aead.h"
#include "lib/base/digest.h"
#include "lib/wire/json_fields.h"
#include "lib/wire/purge.h"

namespace meridian::control {
namespace {

constexpr std::array<std::string_view, 4> kRoles = {"viewer", "purger", "operator", "admin"};
constexpr std::string_view kBegin = "mer_";
constexpr std::size_t kIdDigits = 16;
constexpr std::size_t kSecretDigits = 48;

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string random_hex(std::size_t digits) {
  std::string bytes(digits / 2, '\0');
  fill_random(bytes.data(), bytes.size());
  return hex(bytes);
}

}  // namespace

std::string_view name_of(Role role) { return kRoles[static_cast<std::size_t>(role)]; }

Result<Role> parse_role(std::string_view text) {
  const auto* const found = std::find(kRoles.begin(), kRoles.end(), text);
  if (found == kRoles.end())
    return fail(ErrorCode::kInvalid, ErrorSource::kClient, "a role is viewer, purger, operator or admin");
  return static_cast<Role>(found - kRoles.begin());
}

bool is_token_name(std::string_view name) {
  return !name.empty() && name.size() <= kMostNameBytes && wire::is_utf8(name) &&
         std::none_of(name.begin(), name.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte < 0x20 || byte == 0x7F;
         });
}

NewToken make_token(std::string name, Role role, std::vector<std::string> sites) {
  NewToken made;
  made.token.id = random_hex(kIdDigits);
  made.token.name = std::move(name);
  made.token.role = role;
  made.token.sites = std::move(sites);
  made.text = std::string(kBegin) + made.token.id + random_hex(kSecretDigits);
  made.token.digest = sha256_hex(made.text);
  return made;
}

std::string_view token_id(std::string_view text) {
  const bool looks_right = text.size() == kBegin.size() + kIdDigits + kSecretDigits &&
                           text.starts_with(kBegin) && is_hex(text.substr(kBegin.size()));
  return looks_right ? text.substr(kBegin.size(), kIdDigits) : std::string_view();
}

bool is_text_of(const Token& token, std::string_view text) {
  return equals_in_constant_time(sha256_hex(text), token.digest);
}

std::string serialize(const Token& token) {
  std::string text;
  wire::JsonWriter writer(text);
  writer.begin_object().key("id").string(token.id).key("name").string(token.name);
  writer.key("role").string(name_of(token.role)).key("sites").begin_array();
  for (const std::string& site : token.sites) writer.string(site);
  writer.end_array().key("digest").string(token.digest).end_object();
  return text;
}

Result<Token> parse_token(const wire::Json& json) {
  wire::JsonFields fields(json, "token");
  Token token;
  token.id = fields.text("id", kIdDigits, kIdDigits);
  token.name = fields.text("name", 1, kMostNameBytes);
  token.digest = fields.text("digest", 64, 64);
  const Result<Role> role = parse_role(fields.text("role", 1, 16));
  if (role) {
    token.role = *role;
  } else {
    fields.wrong("role", role.error().context);
  }
  if (!is_hex(token.id) || !is_hex(token.digest)) fields.wrong("id", "and digest are to be hex digits");
  if (!is_token_name(token.name)) fields.wrong("name", "is to be printable");
  const wire::Json* const sites = fields.array("sites", kMostTokenSites);
  for (std::size_t i = 0; sites != nullptr && i < sites->items().size(); ++i) {
    const wire::Json& site = sites->items()[i];
    const bool fits = site.is(wire::Json::Kind::kString) && !site.text().empty() &&
                      site.text().size() <= wire::kMostSiteBytes;
    if (!fits) fields.wrong("sites", "are to be names of sites");
    token.sites.push_back(site.text());
  }
  if (const auto finished = fields.finish(); !finished) return Failure(finished.error());
  return token;
}

}  // namespace meridian::control
