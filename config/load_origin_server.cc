#include "config/origin_server_tables.h"
#include "config/yaml_reader.h"
#include "lib/http/http1.h"

namespace meridian::config {
namespace {

std::string at(std::string_view list, std::size_t i, std::string_view key) {
  return std::string(list) + "[" + std::to_string(i) + "]." + std::string(key);
}

void check_pattern(const std::string& pattern, const std::string& path, Problems& problems) {
  if (pattern.empty() || (pattern.front() != '/' && pattern.front() != '*')) {
    problems.wrong(path, in_quotes(pattern), "a pattern that begins with / or *, such as /assets/**");
  }
}

void check_rules(const std::vector<HeaderRuleConfig>& rules, Problems& problems) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    check_pattern(rules[i].path, at("rules", i, "path"), problems);
    if (!http::is_field_value(rules[i].cache_control)) {
      problems.wrong(at("rules", i, "cache_control"), in_quotes(rules[i].cache_control), "a field value");
    }
    if (!http::is_field_value(rules[i].surrogate_key)) {
      problems.wrong(at("rules", i, "surrogate_key"), in_quotes(rules[i].surrogate_key), "a field value");
    }
    for (std::size_t j = 0; j < rules[i].headers.size(); ++j) {
      const std::string_view line = rules[i].headers[j];
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos || !http::is_token(line.substr(0, colon)) ||
          !http::is_field_value(http::trim(line.substr(colon + 1)))) {
        problems.wrong(at("rules", i, "headers[" + std::to_string(j) + "]"), in_quotes(line),
                       "'Name: value'");
      }
    }
  }
}

bool does_something(const FaultConfig& fault) {
  return fault.delay_ms > 0 || fault.jitter_ms > 0 || fault.rate_bytes_per_s > 0 || fault.status != 0 ||
         fault.cut != FaultCut::kNone;
}

void check_faults(const std::vector<FaultConfig>& faults, Problems& problems) {
  for (std::size_t i = 0; i < faults.size(); ++i) {
    const FaultConfig& fault = faults[i];
    check_pattern(fault.path, at("faults", i, "path"), problems);
    for (std::size_t j = 0; j < i; ++j) {
      if (faults[j].name == fault.name) {
        problems.wrong(at("faults", i, "name"), in_quotes(fault.name), "a name that no other fault has");
      }
    }
    if (!does_something(fault)) {
      problems.add("faults[" + std::to_string(i) + "]",
                   "says nothing to do: allowed are delay, rate, status, cut");
    }
    if (fault.status != 0 && fault.status < 400) {
      problems.wrong(at("faults", i, "status"), std::to_string(fault.status), "a status from 400 to 599");
    }
    if ((fault.up_ms > 0) != (fault.down_ms > 0)) {
      problems.add("faults[" + std::to_string(i) + "]", "flapping needs both up and down, above 0");
    }
    const bool in_body = fault.at == FaultPoint::kBody || fault.cut == FaultCut::kTruncate;
    if (fault.after_bytes > 0 && !in_body) {
      problems.wrong(at("faults", i, "after"), std::to_string(fault.after_bytes),
                     "nothing, unless `at` is body");
    }
  }
}

}  // namespace

Result<OriginServerConfig> load_origin_server_text(std::string_view text, const std::string& name) {
  Problems problems(name);
  ReadState state{problems, folder_of(name)};
  OriginServerConfig config;
  read_document(text, state, config);
  check_rules(config.rules, problems);
  check_faults(config.faults, problems);
  if (!problems.empty()) return refused(problems);
  return config;
}

Result<OriginServerConfig> load_origin_server(const std::string& path) {
  const auto text = read_file(path);
  return text ? load_origin_server_text(*text, path) : Result<OriginServerConfig>(Failure(text.error()));
}

Result<FaultListConfig> load_faults_text(std::string_view text, const std::string& name) {
  Problems problems(name);
  ReadState state{problems, ""};
  FaultListConfig list;
  read_document(text, state, list);
  check_faults(list.faults, problems);
  if (!problems.empty()) return refused(problems);
  return list;
}

}  // namespace meridian::config
