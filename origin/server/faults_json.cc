#include "origin/server/faults_json.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "config/origin_server_tables.h"
#include "config/values.h"

namespace meridian::origin {
namespace {

using Json = nlohmann::ordered_json;

// Visits the table of a fault and notes each parameter as the loader would read it.
class ParameterList {
 public:
  explicit ParameterList(config::FaultConfig fault) { visit(*this, fault); }

  template <class Value, class Kind>
  void param(std::string_view key, const Value& value, Kind kind, const config::Allowed&, std::string_view) {
    list_.emplace_back(key, shown(kind, value));
  }
  const std::vector<std::pair<std::string, Json>>& list() const { return list_; }

 private:
  static Json shown(config::Count, unsigned value) { return value; }
  static Json shown(config::Share, double value) { return value; }
  static Json shown(config::Tokens, const std::vector<std::string>& value) { return value; }
  template <class Kind>
  static Json shown(Kind, const std::string& value) {
    return value;
  }
  template <class Kind, class Value>
  static Json shown(Kind kind, const Value& value) {
    return config::show(kind, value);
  }
  std::vector<std::pair<std::string, Json>> list_;
};

Json fault_json(const ActiveFault& fault, const ParameterList& defaults, std::int64_t now_ms) {
  Json json = Json::object();
  const ParameterList parameters(fault.rule);
  for (std::size_t i = 0; i < parameters.list().size(); ++i) {
    const auto& [key, value] = parameters.list()[i];
    if (value != defaults.list()[i].second || key == "path") json[key] = value;
  }
  const std::uint64_t hits = fault.hits.load(std::memory_order_relaxed);
  const bool spent = fault.rule.count != 0 && hits >= fault.rule.count;
  return {{"fault", std::move(json)}, {"hits", hits}, {"active", !spent && fault.is_down(now_ms)}};
}

}  // namespace

std::string faults_json(const FaultSet& faults, std::int64_t now_ms) {
  const ParameterList defaults{config::FaultConfig{}};
  Json list = Json::array();
  for (const auto& fault : faults) list.push_back(fault_json(*fault, defaults, now_ms));
  return Json{{"faults", std::move(list)}}.dump(2) + "\n";
}

}  // namespace meridian::origin
