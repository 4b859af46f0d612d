#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/edge_config.h"
#include "edge/hop_route.h"
#include "edge/latency_sketch.h"
#include "lib/base/result.h"
#include "lib/http/server.h"
#include "lib/stats/registry.h"
#include "origin/upstream/retry_budget.h"
#include "origin/upstream/shared_group.h"

namespace meridian::edge {

// Another edge, as all workers see it.
struct OtherEdge {
  std::string name;
  std::string region;
  SocketAddress address;
  std::shared_ptr<upstream::SharedGroup> group;  // of one target: breaker, slots
  std::shared_ptr<LatencySketch> latency;        // until its first sign
};

// What outlives a reload: counts of what runs now.
struct HopCounts {
  explicit HopCounts(double hedge_budget) : hedges(hedge_budget) {}
  std::atomic<std::uint32_t> serving{0};  // requests of other edges that are under way here
  upstream::RetryBudget hedges;
};

// This edge among the others: who they are, who owns what, and whose word counts as that of an edge.
// Immutable but for the counts; a reload makes a new one and swaps it in with the sites. Any thread.
class PeerTable {
 public:
  // Nothing when the configuration knows no other edges. Edges whose address and options did not change keep
  // their state from `previous`, which may be nullptr.
  [[nodiscard]] static Result<std::shared_ptr<const PeerTable>> make(const config::EdgeConfig& config,
                                                                     const PeerTable* previous);

  const config::PeersConfig& config() const { return config_; }
  const std::string& self() const { return config_.self; }
  const std::string& region() const { return region_; }
  const std::vector<OtherEdge>& edges() const { return edges_; }
  HopCounts& counts() const { return *counts_; }

  const RegionRing* own() const { return own_.get(); }
  // The ring of a site's shield; nullptr: it has none, or this region is it.
  const RegionRing* shield_of(const config::SiteConfig& site) const;
  EdgeState state_of(std::uint16_t edge, std::int64_t now_ms) const;
  // How long to wait for this edge's first sign before another is asked as well; nothing: for ever.
  std::optional<std::int64_t> hedge_after_ms(std::uint16_t edge) const;
  // Whether what comes on this connection comes from an edge.
  bool proves(const http::Exchange& exchange) const;

  void report(stats::Scrape& to, std::int64_t now_ms) const;

 private:
  PeerTable() = default;
  [[nodiscard]] Result<void> add_edge(const config::PeerConfig& from, const std::string& region,
                                      const PeerTable* previous);
  [[nodiscard]] Result<std::unique_ptr<RegionRing>> make_ring(const std::string& name,
                                                              const std::vector<config::PeerConfig>& edges,
                                                              bool is_own, const PeerTable* previous);

  config::PeersConfig config_;
  std::string region_;
  std::vector<OtherEdge> edges_;
  std::vector<Cidr> believed_;  // by address; empty with certificates
  std::unique_ptr<RegionRing> own_;
  std::vector<std::unique_ptr<RegionRing>> regions_;
  std::shared_ptr<HopCounts> counts_;
};

}  // namespace meridian::edge
