#pragma once

#include "config/edge_config.h"
#include "config/problems.h"

namespace meridian::config {

// What no single value can show to be wrong: duplicates, files that cannot be read, values that contradict
// each other. Completes what has a default that depends on other values (a site's name).
void complete_and_check(EdgeConfig& config, Problems& problems);

}  // namespace meridian::config
