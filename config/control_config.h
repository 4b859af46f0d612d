#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/edge_config.h"
#include "config/kinds.h"
#include "lib/base/result.h"

// What can be set of a meridian-control, as plain values made from tables like an edge's: see
// config/edge_config.h.
namespace meridian::config {

#define PARAM(key, member, kind, value, allowed, doc) kind::Value member = value;
#define OPTIONAL_BLOCK(key, member, type, doc) std::optional<type> member;

struct ControlTlsConfig {
#include "config/params/control_tls.def"
};
struct ControlEtcdConfig {
#include "config/params/control_etcd.def"
};
struct ControlConfig {
#include "config/params/control.def"
};

#undef PARAM
#undef OPTIONAL_BLOCK

// Reads a file; errors as load_edge() gives them.
[[nodiscard]] Result<ControlConfig> load_control(const std::string& path);
[[nodiscard]] Result<ControlConfig> load_control_text(std::string_view text, const std::string& name);
// What flags may have changed: that all is there, and fits together. A line for each mistake.
[[nodiscard]] Result<void> check_control(const ControlConfig& config);

}  // namespace meridian::config
