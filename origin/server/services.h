#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "config/origin_server_config.h"
#include "lib/http/date.h"
#include "lib/net/event_loop.h"
#include "lib/stats/metrics.h"
#include "origin/server/access_log.h"
#include "origin/server/faults.h"
#include "origin/server/header_rules.h"
#include "origin/server/io_pool.h"
#include "origin/server/static_files.h"

namespace meridian::origin {

// What all workers share. Owned by the program; outlives them.
struct Shared {
  const config::OriginServerConfig& config;
  const HeaderRules& rules;
  const StaticFiles* files = nullptr;  // nullptr: no root was given
  IoPool& pool;
  FaultTable& faults;
  AccessLog* log = nullptr;                         // nullptr: none
  std::atomic<std::uint64_t>& content_version;      // of generated bodies
  std::atomic<std::uint64_t>& refused_connections;  // at the limit `connections`
};

// What one worker adds to it. On its loop.
struct Services {
  Services(Shared& shared, EventLoop& loop, stats::Sheet& sheet, std::uint64_t seed)
      : shared(shared), loop(loop), sheet(sheet), faults(shared.faults), dice(seed) {}
  Shared& shared;
  EventLoop& loop;
  stats::Sheet& sheet;
  FaultView faults;
  Dice dice;
  http::DateCache date;
};

}  // namespace meridian::origin
