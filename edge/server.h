#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "edge/access_log.h"
#include "edge/cold_tiers.h"
#include "edge/fill_table.h"
#include "edge/inherited_sockets.h"
#include "edge/recall_table.h"
#include "edge/site_table.h"
#include "edge/ssd_keeper.h"
#include "edge/tiers/miss_ratio_curve.h"
#include "edge/tiers/ram_tier.h"
#include "edge/worker.h"
#include "lib/base/page_file.h"
#include "lib/base/result.h"
#include "lib/net/event_loop.h"
#include "lib/net/listener.h"
#include "lib/net/tls.h"
#include "lib/stats/registry.h"

namespace meridian::edge {

// A whole edge: its workers on their threads and what they share. Its own methods are called on the main
// thread's loop.
class Server {
 public:
  // Where a configuration comes from: asked at the start and for each reload.
  using Load = std::function<Result<config::EdgeConfig>()>;

  // Makes everything, listening sockets included, and starts the workers. Nothing is left behind on failure.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(EventLoop& main_loop, Load load,
                                                             InheritedSockets inherited);
  ~Server();

  // Loads again. What is wrong leaves everything as it was. Sites, limits, certificates, listeners
  // and the capacity of RAM change, and the access log is opened again; the rest needs a restart, and the
  // answer names what of that was changed.
  [[nodiscard]] Result<std::string> reload();
  // Stops accepting, finishes what runs within the drain timeout, then calls `done`.
  void drain(std::function<void()> done);
  bool draining() const { return draining_; }

  const config::EdgeConfig& config() const { return table_->config(); }
  const SiteTable& sites() const { return *table_; }
  stats::Registry& registry() { return *registry_; }
  RamTier& ram() { return *ram_; }
  ColdTiers& cold() { return cold_; }
  const MissRatioCurve& miss_ratio() const { return *miss_ratio_; }
  AccessLog& log() { return *log_; }
  // Of a configuration that has an SSD tier; else null.
  SsdKeeper* ssd() const { return ssd_.get(); }
  // The listening sockets, for a successor; see upgrade.h.
  std::vector<const ListenSocket*> sockets() const;
  std::vector<SocketAddress> addresses() const;

 private:
  struct Listening {
    SocketAddress wanted;  // as configured: the port may be 0
    config::ListenConfig config;
    std::string client_ca_file;                                // of the listener for other edges
    std::shared_ptr<const std::vector<ListenSocket>> sockets;  // one for each worker
    std::shared_ptr<TlsServerContext> tls;
    auto tls_options() const {
      return std::tie(config.tls->certificate, config.tls->key, config.tls->min_version, client_ca_file);
    }
  };
  struct Thread {
    std::unique_ptr<EventLoop> loop;
    std::unique_ptr<Worker> worker;
    std::thread thread;
  };

  Server(EventLoop& main_loop, Load load)
      : main_loop_(main_loop), load_(std::move(load)), force_cut_(main_loop, [this] { cut(); }) {}
  [[nodiscard]] Result<void> prepare(InheritedSockets& inherited);
  [[nodiscard]] Result<void> open_cold_tiers();
  using ListeningSet = std::shared_ptr<std::vector<Listening>>;
  [[nodiscard]] Result<ListeningSet> open_listeners(const config::EdgeConfig& config,
                                                    InheritedSockets& inherited);
  void listen_on(Thread& thread, std::size_t index, const std::vector<Listening>& listening);
  void register_stats();
  void scrape(stats::Scrape& to);
  void cut();
  void stop();

  EventLoop& main_loop_;
  Load load_;
  std::unique_ptr<stats::Registry> registry_;
  stats::Sheet* sheet_ = nullptr;  // the main thread's
  const std::shared_ptr<PageFile> pages_ = PageFile::create();
  ColdTiers cold_;
  std::unique_ptr<RamTier> ram_;
  std::unique_ptr<MissRatioCurve> miss_ratio_;
  std::unique_ptr<AccessLog> log_;
  FillTable fills_;
  RecallTable recalls_;
  std::atomic<std::uint64_t> connections_{0};
  std::atomic<std::uint64_t> fill_bytes_{0};
  std::shared_ptr<const SiteTable> table_;
  // Read by scrapes on the main thread only, like everything else here.
  std::int64_t loaded_s_ = 0;
  ListeningSet listening_ = std::make_shared<std::vector<Listening>>();
  std::vector<Thread> threads_;
  std::unique_ptr<stats::Registry::Source> source_;
  bool draining_ = false;
  std::size_t undrained_ = 0;
  std::function<void()> drained_;
  std::unique_ptr<SsdKeeper> ssd_;
  Timer force_cut_;
};

}  // namespace meridian::edge
