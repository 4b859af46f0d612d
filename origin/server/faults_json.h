#pragma once

#include <cstdint>
#include <string>

#include "origin/server/faults.h"

namespace meridian::origin {

// What GET /faults shows: {"faults": [{"fault": {...}, "hits": 3, "active": true}, ...]}. Each `fault` is as
// it can be set again; parameters that have their default are left out. `active`: it would hit a request that
// comes now.
std::string faults_json(const FaultSet& faults, std::int64_t now_ms);

}  // namespace meridian::origin
