#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/origin_server_config.h"
#include "origin/server/header_block.h"

namespace meridian::origin {

// The header rules of the configuration, ready for use. Immutable; shared by all workers.
class HeaderRules {
 public:
  explicit HeaderRules(const std::vector<config::HeaderRuleConfig>& rules);
  // Adds what every rule that matches the path says. Surrogate keys add up; of Cache-Control the last holds.
  void apply(std::string_view path, HeaderBlock& headers) const;

 private:
  struct Rule {
    std::string path;
    std::string cache_control;
    std::string surrogate_key;
    std::vector<std::pair<std::string, std::string>> fields;
  };
  std::vector<Rule> rules_;
};

}  // namespace meridian::origin
