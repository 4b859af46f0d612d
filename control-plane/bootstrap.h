#pragma once

#include <string>

#include "control-plane/cluster_log.h"
#include "control-plane/leadership.h"

namespace meridian::control {

// Makes the first administrator's token when a log has none: the leader writes its text to a file that its
// owner alone may read, and then appends it. The text goes nowhere else. On the log's loop.
class Bootstrap final : private LogObserver {
 public:
  Bootstrap(ClusterLog& log, Leadership& leadership, std::string token_file);
  ~Bootstrap();
  Bootstrap(const Bootstrap&) = delete;
  Bootstrap& operator=(const Bootstrap&) = delete;

 private:
  void on_entries(const std::shared_ptr<const State>&, std::span<const Entry>) override { consider(); }
  void on_reset(const std::shared_ptr<const State>&) override { consider(); }
  void consider();

  ClusterLog& log_;
  Leadership& leadership_;
  const std::string token_file_;
  bool running_ = false;
};

}  // namespace meridian::control
