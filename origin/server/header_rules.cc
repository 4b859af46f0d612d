#include "origin/server/header_rules.h"

#include "lib/http/message.h"
#include "origin/server/glob.h"

namespace meridian::origin {

HeaderRules::HeaderRules(const std::vector<config::HeaderRuleConfig>& rules) {
  for (const config::HeaderRuleConfig& config : rules) {
    Rule rule{config.path, config.cache_control, config.surrogate_key, {}};
    for (const std::string_view line : config.headers) {
      const std::size_t colon = line.find(':');
      rule.fields.emplace_back(http::trim(line.substr(0, colon)), http::trim(line.substr(colon + 1)));
    }
    rules_.push_back(std::move(rule));
  }
}

void HeaderRules::apply(std::string_view path, HeaderBlock& headers) const {
  for (const Rule& rule : rules_) {
    if (!glob_matches(rule.path, path)) continue;
    if (!rule.cache_control.empty()) headers.set("Cache-Control", rule.cache_control);
    if (!rule.surrogate_key.empty()) {
      const std::string before(headers.value("Surrogate-Key"));
      headers.set("Surrogate-Key", before.empty() ? rule.surrogate_key : before + " " + rule.surrogate_key);
    }
    for (const auto& [name, value] : rule.fields) {
      if (http::equals_ignoring_case(name, "Vary"))
        headers.add_member(name, value);
      else
        headers.add(name, value);
    }
  }
}

}  // namespace meridian::origin
