#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "edge/access_log.h"
#include "edge/fill_board.h"
#include "edge/fill_table.h"
#include "edge/origin_fetch.h"
#include "edge/peer_view.h"
#include "edge/recall.h"
#include "edge/recall_table.h"
#include "edge/request.h"
#include "edge/site_table.h"
#include "edge/store.h"
#include "edge/tiers/miss_ratio_curve.h"
#include "edge/tunnel.h"
#include "lib/base/page_file.h"
#include "lib/http/date.h"
#include "lib/http/server.h"
#include "lib/http/storability.h"
#include "lib/http/target_uri.h"
#include "lib/http/vary.h"
#include "lib/net/connect.h"
#include "lib/net/listener.h"
#include "lib/stats/metrics.h"
#include "origin/upstream/upstream.h"

namespace meridian::edge {

// What the workers of one process share. Everything in it is safe to use from any thread.
struct Shared {
  RamTier& ram;
  MissRatioCurve& miss_ratio;
  ColdTiers& cold;
  FillTable& fills;
  RecallTable& recalls;
  AccessLog& log;
  std::atomic<std::uint64_t>& connections;  // open now, in all workers, tunnels included
  std::atomic<std::uint64_t>& fill_bytes;   // of bodies on their way into the cache
  std::shared_ptr<PageFile> pages;          // for larger bodies; null where the kernel has none
};

// The sites as one worker uses them: the shared table, and this worker's pools of connections to their
// origins. A request holds the view that it began with, so that a reload does not change its rules under way.
struct SiteView {
  std::shared_ptr<const SiteTable> table;
  std::vector<std::shared_ptr<upstream::Group>> groups;  // by site
  std::vector<http::UriPolicy> uri_policies;
  std::vector<http::StorePolicy> store_policies;
  std::vector<http::VaryPolicy> vary_policies;
  http::ServerLimits limits;
  std::shared_ptr<PeerView> peers;         // nullptr: there are no other edges
  std::vector<const RegionRing*> shields;  // by site; nullptr: none, or this region is it. With `peers` only
};

// One thread's part of the edge: its loop, its client connections and the requests on them. Nothing in it is
// shared.
class Worker final : public http::ConnectionHost {
 public:
  Worker(EventLoop& loop, const Shared& shared, stats::Sheet& sheet, const config::EdgeConfig& config);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // On the worker's loop, or before it runs.
  void use_sites(std::shared_ptr<const SiteTable> table);
  void listen(const ListenSocket& socket, std::shared_ptr<TlsServerContext> tls);
  void stop_listening() { listeners_.clear(); }
  // Finishes what runs and closes what is idle; `empty` is called when nothing is left.
  void drain(std::function<void()> empty);
  // Cuts what is left.
  void cut();
  // Ends everything at once; with the loop stopped.
  void clear();

  // --- for requests and fetches ---
  EventLoop& loop() { return loop_; }
  Store& store() { return store_; }
  // Counts a request for something that is stored, or is now: a hit, or the end of a miss.
  void record_use(std::uint64_t hash, const Object& object) {
    // A body that stays on SSD is nothing that more RAM would hold.
    if (object.far_body() == nullptr && miss_ratio_.wants(hash)) {
      miss_ratio_.take(hash, object.footprint_bytes());
    }
  }
  FillTable& fills() { return shared_.fills; }
  RecallTable& recalls() { return shared_.recalls; }
  Recall& take_recall();
  void give_recall(Recall& recall) { idle_recalls_.push_back(&recall); }
  FillBoard& board() { return board_; }
  std::atomic<std::uint64_t>& fill_bytes() { return shared_.fill_bytes; }
  const std::shared_ptr<PageFile>& pages() const { return shared_.pages; }
  stats::Sheet& sheet() { return sheet_; }
  const std::shared_ptr<const SiteView>& view() const { return view_; }
  std::int64_t now_s() const { return loop_.wall_ms() / 1000; }
  std::string_view http_date() { return date_.at(now_s()); }
  // The index of the site that serves this authority; SiteTable::kNone when none does.
  std::size_t site_of(std::string_view authority);
  // The edge's name in Via and CDN-Loop, and in Cache-Status.
  const std::string& name() const { return view_->table->config().name; }
  const std::string& cache_name() const { return view_->peers ? view_->peers->table().self() : name(); }
  std::uint64_t random();
  // Memory for a text that is used up before anybody else is called.
  std::string& scratch() { return scratch_; }

  OriginFetch& run_fetch(std::unique_ptr<OriginFetch> fetch);
  // The fetch is over; it is destroyed at the end of the turn.
  void end_fetch(OriginFetch& fetch);
  // `from_client` and `to_client`: bytes that are on their way already.
  void add_tunnel(std::unique_ptr<Stream> client, Slice from_client, std::unique_ptr<Stream> origin,
                  Slice to_client);
  // The exchange is over: counts, logs, and takes the request back into the pool.
  void release(Request& request, bool completed);

 private:
  void on_stream(std::unique_ptr<Stream> stream, bool is_tls);
  void flush_log();
  void count_limit(std::string_view refusal);
  void count(const Request& request, bool completed);
  void check_drained();
  // http::ConnectionHost
  void on_request(http::Exchange& exchange) override;
  std::string_view on_bad_request(const http::BadRequest& bad, const SocketAddress& peer) override;
  void on_silent_timeout(SilentTimeout timeout) override;
  void on_connection_closed(http::ServerConnection& connection) override;

  struct Connection {
    std::unique_ptr<http::ServerConnection> server;
    bool is_tls = false;
  };

  EventLoop& loop_;
  Shared shared_;
  MissRatioSampler miss_ratio_;
  stats::Sheet& sheet_;
  FillBoard board_;
  std::unique_ptr<Resolver> resolver_;
  Store store_;
  std::shared_ptr<const SiteView> view_;
  // The last authority that was looked up: most requests name the one that the one before them named.
  std::string last_authority_;
  std::string last_host_;
  std::size_t last_site_ = SiteTable::kNone;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<Request>> pool_;  // all requests ever made by this worker
  std::vector<Request*> free_;
  std::vector<std::unique_ptr<Recall>> recalls_;  // all ever made by this worker
  std::vector<Recall*> idle_recalls_;
  std::unordered_map<http::ServerConnection*, Connection> connections_;
  std::vector<std::unique_ptr<OriginFetch>> fetches_;        // each knows its place
  std::vector<std::unique_ptr<OriginFetch>> ended_fetches_;  // until the end of the turn
  std::unordered_map<Tunnel*, std::unique_ptr<Tunnel>> tunnels_;
  LogBuffer log_;
  Timer log_timer_;
  http::DateCache date_;
  std::uint64_t random_state_[2];
  std::string scratch_;
  std::string bad_request_page_;
  std::function<void()> drained_;
};

}  // namespace meridian::edge
