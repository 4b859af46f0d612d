#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/choices.h"
#include "config/edge_config.h"
#include "config/kinds.h"
#include "lib/base/result.h"

// What can be set of a meridian-origin, as plain values made from tables like an edge's: see
// config/edge_config.h.
namespace meridian::config {

#define PARAM(key, member, kind, value, allowed, doc) kind::Value member = value;
#define BLOCK(key, member, type, doc) type member;
#define BLOCKS(key, member, type, least, most, doc) std::vector<type> member;

struct HeaderRuleConfig {
#include "config/params/header_rule.def"
};
struct FaultConfig {
#include "config/params/fault.def"
};
// The body of PUT /faults.
struct FaultListConfig {
#include "config/params/fault_list.def"
};
struct OriginServerConfig {
#include "config/params/origin_server.def"
};

#undef PARAM
#undef BLOCK
#undef BLOCKS

// Reads and checks a file; errors as load_edge() gives them.
[[nodiscard]] Result<OriginServerConfig> load_origin_server(const std::string& path);
[[nodiscard]] Result<OriginServerConfig> load_origin_server_text(std::string_view text,
                                                                 const std::string& name);
// A list of faults as `{"faults": [...]}`, JSON or YAML; `name` is what errors call it.
[[nodiscard]] Result<FaultListConfig> load_faults_text(std::string_view text, const std::string& name);

}  // namespace meridian::config
