#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "config/origin_server_config.h"
#include "lib/net/event_loop.h"
#include "lib/stats/registry.h"
#include "origin/server/admin.h"
#include "origin/server/worker.h"

namespace meridian::origin {

// A whole meridian-origin: workers, I/O threads, admin listener, faults. Its owner's thread runs the main
// loop.
class Program {
 public:
  // Opens everything that can fail: the root, the log, the sockets.
  [[nodiscard]] static Result<std::unique_ptr<Program>> create(const config::OriginServerConfig& config);
  ~Program();

  const SocketAddress& address() const { return address_; }
  const Admin* admin() const { return admin_.get(); }
  EventLoop& loop() { return *loop_; }

  // Serves until end(); returns when the last worker has ended.
  void run();
  // On the main loop: requests that are under way may finish until `drain_timeout`.
  void end();
  void reopen_log();

 private:
  explicit Program(const config::OriginServerConfig& config);
  [[nodiscard]] Result<void> open_parts();
  [[nodiscard]] Result<void> open_workers();
  void report_limits(stats::Scrape& scrape) const;

  // In the order in which each is used by what follows it.
  const config::OriginServerConfig config_;
  const HeaderRules rules_;
  FaultTable faults_;
  std::atomic<std::uint64_t> content_version_{0};
  std::atomic<std::uint64_t> refused_connections_{0};
  std::unique_ptr<stats::Registry> registry_;
  std::unique_ptr<StaticFiles> files_;
  std::unique_ptr<AccessLog> log_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Shared> shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  // After the workers: its threads post to their loops, so it ends first.
  std::unique_ptr<IoPool> pool_;
  std::unique_ptr<stats::Registry::Source> source_;
  std::unique_ptr<Admin> admin_;
  SocketAddress address_;
  std::size_t ended_workers_ = 0;
};

}  // namespace meridian::origin
