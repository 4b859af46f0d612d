#include "edge/peer_table.h"

#include <algorithm>
#include <utility>

namespace meridian::edge {
namespace {

constexpr std::size_t kMostEdges = RegionRing::kSelf;
// How often an edge may say that it is at it, before it must have been at it for too long.
constexpr unsigned kMostSigns = 100'000;
constexpr std::size_t kLineBytes = std::size_t{256} << 10U;
constexpr std::size_t kHeaderBytes = (std::size_t{1} << 20U) + (std::size_t{64} << 10U);
constexpr std::size_t kHeaderCount = 1100;

upstream::GroupOptions group_options(const config::PeersConfig& peers, const config::PeerConfig& edge,
                                     const SocketAddress& source) {
  upstream::GroupOptions to;
  to.name = edge.name;
  upstream::TargetOptions target;
  // What the origin said is within its site's limits already, and edges add little to it.
  target.limits = {kLineBytes, kHeaderBytes, kHeaderCount};
  target.url = (peers.tls ? "https://" : "http://") + edge.address.to_string();
  to.targets.push_back(std::move(target));
  to.connect_timeout_ms = peers.connect_timeout_ms;
  to.first_byte_timeout_ms = peers.first_byte_timeout_ms;
  to.between_bytes_timeout_ms = peers.between_bytes_timeout_ms;
  // Who is asked next is decided here, key by key.
  to.retries = 0;
  to.connections = peers.connections;
  to.queue = 0;
  to.idle_connections = peers.idle_connections;
  to.breaker_failures = peers.breaker_failures;
  to.breaker_span_ms = peers.breaker_span_ms;
  to.breaker_open_ms = peers.breaker_open_ms;
  to.interim_responses = kMostSigns;
  if (!peers.tls) {
    to.source = source;
    return to;
  }
  to.tls.ca_file = peers.tls->ca_file;
  to.tls.certificate_file = peers.tls->certificate_file;
  to.tls.key_file = peers.tls->key_file;
  to.tls_server_name = edge.name;
  return to;
}

bool same(const upstream::GroupOptions& a, const upstream::GroupOptions& b) {
  const auto tie = [](const upstream::GroupOptions& o) {
    return std::tie(o.name, o.targets.front().url, o.connect_timeout_ms, o.first_byte_timeout_ms,
                    o.between_bytes_timeout_ms, o.connections, o.idle_connections, o.breaker_failures,
                    o.breaker_span_ms, o.breaker_open_ms, o.source);
  };
  return tie(a) == tie(b);
}

const config::PeerConfig* named(const std::vector<config::PeerConfig>& edges, const std::string& name) {
  const auto found =
      std::find_if(edges.begin(), edges.end(), [&](const config::PeerConfig& e) { return e.name == name; });
  return found == edges.end() ? nullptr : &*found;
}

}  // namespace

Result<std::shared_ptr<const PeerTable>> PeerTable::make(const config::EdgeConfig& config,
                                                         const PeerTable* previous) {
  const bool shielded = std::any_of(config.sites.begin(), config.sites.end(),
                                    [](const config::SiteConfig& site) { return !site.shield.empty(); });
  if (!config.peers && !shielded) return std::shared_ptr<const PeerTable>();
  std::shared_ptr<PeerTable> table(new PeerTable());
  if (config.peers) table->config_ = *config.peers;
  if (table->config_.self.empty()) table->config_.self = config.name;
  table->region_ = config.region;
  const double budget = table->config_.hedge_budget;
  const bool same_budget = previous != nullptr && previous->config_.hedge_budget == budget;
  table->counts_ = same_budget ? previous->counts_ : std::make_shared<HopCounts>(budget);
  if (config.peers) {
    auto ring = table->make_ring(config.region, config.peers->members, true, previous);
    if (!ring) return Failure(std::move(ring.error()));
    table->own_ = *std::move(ring);
  }
  for (const config::RegionConfig& region : config.regions) {
    // The own one is what `peers` says.
    if (region.name == config.region) continue;
    auto ring = table->make_ring(region.name, region.edges, false, previous);
    if (!ring) return Failure(std::move(ring.error()));
    table->regions_.push_back(*std::move(ring));
  }
  table->believed_ = table->config_.trusted;
  for (const OtherEdge& edge : table->edges_) {
    if (table->config_.tls || !table->config_.trusted.empty()) break;
    auto network = Cidr::parse(edge.address.ip());
    if (!network) return Failure(std::move(network.error()));
    table->believed_.push_back(*network);
  }
  return table;
}

Result<std::unique_ptr<RegionRing>> PeerTable::make_ring(const std::string& name,
                                                         const std::vector<config::PeerConfig>& edges,
                                                         bool is_own, const PeerTable* previous) {
  std::vector<wire::RingMember> members;
  members.reserve(edges.size());
  for (const config::PeerConfig& edge : edges) members.push_back({edge.name, edge.weight});
  auto region = std::make_unique<RegionRing>(RegionRing{name, wire::Ring(members), {}, {}});
  for (const config::PeerConfig& edge : edges) {
    if (is_own && edge.name == self()) {
      region->self = static_cast<wire::Ring::Index>(region->edges.size());
      region->edges.push_back(RegionRing::kSelf);
      continue;
    }
    region->edges.push_back(static_cast<std::uint16_t>(edges_.size()));
    if (auto added = add_edge(edge, name, previous); !added) return Failure(std::move(added.error()));
  }
  return region;
}

Result<void> PeerTable::add_edge(const config::PeerConfig& from, const std::string& region,
                                 const PeerTable* previous) {
  if (edges_.size() == kMostEdges)
    return fail(ErrorCode::kTooLarge, ErrorSource::kOperator, "there are more edges than can be counted");
  const config::PeerConfig* self = named(config_.members, config_.self);
  const upstream::GroupOptions options =
      group_options(config_, from, self == nullptr ? SocketAddress() : self->address);
  OtherEdge edge{from.name, region, from.address, nullptr, nullptr};
  for (std::size_t i = 0; previous != nullptr && i < previous->edges_.size(); ++i) {
    const OtherEdge& old = previous->edges_[i];
    if (old.name != from.name || old.region != region) continue;
    edge.latency = old.latency;
    // With certificates everything begins anew: their files may have been replaced.
    if (!config_.tls && !previous->config_.tls && same(old.group->options(), options)) edge.group = old.group;
  }
  if (!edge.latency) edge.latency = std::make_shared<LatencySketch>();
  if (!edge.group) {
    auto group = upstream::make_shared_group(options);
    if (!group) return Failure(std::move(group.error()));
    edge.group = *std::move(group);
  }
  edges_.push_back(std::move(edge));
  return {};
}

const RegionRing* PeerTable::shield_of(const config::SiteConfig& site) const {
  if (site.shield.empty() || site.shield == region_) return nullptr;
  for (const auto& region : regions_) {
    if (region->name == site.shield) return region.get();
  }
  return nullptr;
}

EdgeState PeerTable::state_of(std::uint16_t edge, std::int64_t now_ms) const {
  const upstream::SharedTarget& target = edges_[edge].group->target(0);
  return {target.usable(now_ms), target.slots().running()};
}

std::optional<std::int64_t> PeerTable::hedge_after_ms(std::uint16_t edge) const {
  if (config_.hedge_percentile <= 0) return std::nullopt;
  const std::optional<std::int64_t> usual_us = edges_[edge].latency->percentile_us(config_.hedge_percentile);
  if (!usual_us) return std::nullopt;
  return std::max(config_.hedge_least_ms, (*usual_us + 999) / 1000);
}

bool PeerTable::proves(const http::Exchange& exchange) const {
  if (const TlsInfo* tls = exchange.tls(); tls != nullptr && tls->client_verified) return true;
  const SocketAddress& peer = exchange.peer();
  return std::any_of(believed_.begin(), believed_.end(),
                     [&](const Cidr& network) { return network.contains(peer); });
}

void PeerTable::report(stats::Scrape& to, std::int64_t now_ms) const {
  using stats::Sourced;
  using Breaker = upstream::TargetState::Breaker;
  for (std::size_t i = 0; i < edges_.size(); ++i) {
    const OtherEdge& edge = edges_[i];
    const upstream::TargetState state = edge.group->target(0).state(now_ms);
    to.set(Sourced::kPeerRunning, state.running, {edge.region, edge.name});
    const std::pair<Breaker, std::string_view> states[] = {
        {Breaker::kClosed, "closed"}, {Breaker::kOpen, "open"}, {Breaker::kHalfOpen, "half-open"}};
    for (const auto& [breaker, name] : states)
      to.set(Sourced::kPeerBreaker, state.breaker == breaker ? 1 : 0, {edge.region, edge.name, name});
    if (const auto after_ms = hedge_after_ms(static_cast<std::uint16_t>(i)))
      to.set(Sourced::kPeerHedgeAfter, static_cast<double>(*after_ms) / 1000, {edge.region, edge.name});
  }
}

}  // namespace meridian::edge
