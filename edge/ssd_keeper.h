#pragma once

#include <functional>
#include <memory>
#include <string>

#include "config/edge_config.h"
#include "edge/cold_tiers.h"
#include "edge/tiers/ssd/ssd_opening.h"
#include "lib/net/event_loop.h"

namespace meridian::edge {

// Sees to it that the SSD tier of the configuration is there: opens it, without holding up anybody, and tries
// again while a predecessor has its file or the disk is away. Requests go on without it meanwhile. On the
// main loop; destroyed before the loop and the tiers.
class SsdKeeper {
 public:
  // `is_open`: the workers may use it now. With the configuration as it was at the start; of it, only the
  // write budget changes later.
  SsdKeeper(EventLoop& loop, ColdTiers& cold, const config::SsdConfig& config, std::function<void()> is_open);
  // A sentence for the log, when something about it has changed that operators want to know.
  void tell(std::function<void(const std::string&)> say);
  void set_write_budget(std::uint64_t bytes_per_day);
  // No further tries.
  void stop();

  // In a few words, for operators: ok, read-only, recovering, off; and why.
  std::string state() const;
  bool is_recovering() const;

 private:
  void open();
  void take(Result<std::unique_ptr<SsdTier>> opened);
  void have_problem(const Error& error);
  void say(const std::string& what) const;

  EventLoop& loop_;
  ColdTiers& cold_;
  config::SsdConfig config_;
  const std::function<void()> is_open_;
  std::function<void(const std::string&)> say_;
  std::unique_ptr<SsdOpening> opening_;
  Timer retry_;
  std::string problem_;  // of the last try; empty while there is hope that it passes at once
  std::string said_;     // the last problem that was told
  int tries_ = 0;
  bool start_empty_ = false;
};

}  // namespace meridian::edge
