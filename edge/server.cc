#include "edge/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <optional>

#include "edge/tier_report.h"
#include "edge/version.h"
#include "lib/base/check.h"
#include "lib/http/http1.h"
#include "lib/http/reuse.h"
#include "lib/http/storability.h"

namespace meridian::edge {
namespace {

unsigned worker_count(const config::EdgeConfig& config) {
  return config.workers > 0 ? config.workers : std::max(1U, std::thread::hardware_concurrency());
}

// `ram` is where the tier will be.
RamTier::Options ram_options(const config::CacheConfig& cache, const std::unique_ptr<RamTier>& ram,
                             ColdTiers& cold) {
  RamTier::Options options;
  options.on_evict = [&ram, &cold](const RamTier::Evicted& evicted) { cold.take_evicted(*ram, evicted); };
  options.capacity_bytes = cache.ram_bytes;
  options.max_object_share = cache.max_object_share;
  return options;
}

memcached::Options fleet_options(const config::MemcachedConfig& from) {
  memcached::Options options;
  for (const config::WeightedServer& server : from.servers)
    options.servers.push_back({server.host, server.port, server.weight});
  options.max_object_bytes = from.max_object_bytes;
  options.get_budget_ms = from.get_budget_ms;
  options.timeout_ms = from.timeout_ms;
  options.queue = from.queue;
  options.write_queue_bytes = from.write_queue_bytes;
  options.breaker_failures = from.breaker_failures;
  options.breaker_open_ms = from.breaker_open_ms;
  options.keep_stale_s = static_cast<std::uint32_t>(from.keep_stale_s);
  options.stats_interval_ms = from.stats_interval_ms;
  return options;
}

#define PARAM(key, member, kind, value, allowed, doc) same = same && a.member == b.member;
bool is_same(const config::SsdConfig& a, const config::SsdConfig& b) {
  bool same = true;
#include "config/params/ssd.def"
  return same;
}
bool is_same(const config::MemcachedConfig& a, const config::MemcachedConfig& b) {
  bool same = true;
#include "config/params/memcached.def"
  return same;
}
#undef PARAM

template <class Block>
bool is_same(const std::optional<Block>& a, const std::optional<Block>& b) {
  return a.has_value() == b.has_value() && (!a || is_same(*a, *b));
}

// The write budget is the one thing of them that changes while they run.
bool same_cold_tiers(config::CacheConfig a, const config::CacheConfig& b) {
  if (a.ssd && b.ssd) a.ssd->write_budget_bytes = b.ssd->write_budget_bytes;
  return is_same(a.ssd, b.ssd) && is_same(a.memcached, b.memcached);
}

// Where other edges come in when they show certificates.
std::optional<config::ListenConfig> edge_listener(const config::EdgeConfig& config) {
  if (!config.peers || !config.peers->tls) return std::nullopt;
  const config::PeersConfig& peers = *config.peers;
  config::ListenConfig listen;
  listen.address = peers.listen;
  for (const config::PeerConfig& member : peers.members) {
    if (!peers.listen.valid() && member.name == peers.self) listen.address = member.address;
  }
  listen.tls.emplace();
  listen.tls->certificate = peers.tls->certificate_file;
  listen.tls->key = peers.tls->key_file;
  listen.tls->min_version = config::TlsVersion::k13;
  return listen;
}

// As many descriptors as the system lets us have: each client and each origin connection takes one.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

#define NOT_STORED(id, token, explanation) token,
constexpr std::string_view kNotStoredTokens[] = {
#include "lib/http/not_stored.def"
};
#undef NOT_STORED
#define BAD(id, token, status, explanation) token,
constexpr std::string_view kBadMessageTokens[] = {
#include "lib/http/bad_message.def"
};
#undef BAD
#define MISS(id, token, fwd, explanation) token,
constexpr std::string_view kMissTokens[] = {
#include "lib/http/miss_reason.def"
};
#undef MISS

}  // namespace

Result<std::unique_ptr<Server>> Server::start(EventLoop& main_loop, Load load, InheritedSockets inherited) {
  auto server = std::unique_ptr<Server>(new Server(main_loop, std::move(load)));
  if (auto prepared = server->prepare(inherited); !prepared) return Failure(prepared.error());
  for (Thread& thread : server->threads_) {
    thread.thread = std::thread([loop = thread.loop.get(), worker = thread.worker.get()] {
      worker->store().use_ssd();
      loop->run();
    });
  }
  return server;
}

Result<void> Server::prepare(InheritedSockets& inherited) {
  raise_descriptor_limit();
  auto config = load_();
  if (!config) return Failure(config.error());
  auto table = SiteTable::make(*config, nullptr);
  if (!table) return Failure(table.error());
  table_ = *std::move(table);
  loaded_s_ = main_loop_.clock().wall_ms() / 1000;
  auto log = AccessLog::open(config->access_log);
  if (!log) return Failure(log.error());
  log_ = *std::move(log);
  ram_ = std::make_unique<RamTier>(ram_options(config->cache, ram_, cold_));
  if (auto opened = open_cold_tiers(); !opened) return opened;
  miss_ratio_ = std::make_unique<MissRatioCurve>(static_cast<std::size_t>(
      config->cache.miss_ratio_share * static_cast<double>(config->cache.ram_bytes)));
  registry_ = stats::Registry::create(stats::Program::kEdge, kVersion);
  register_stats();
  const unsigned workers = worker_count(*config);
  for (unsigned i = 0; i < workers; ++i) {
    auto loop = EventLoop::create();
    if (!loop) return Failure(loop.error());
    Thread& thread = threads_.emplace_back();
    thread.loop = *std::move(loop);
    thread.worker = std::make_unique<Worker>(
        *thread.loop,
        Shared{*ram_, *miss_ratio_, cold_, fills_, recalls_, *log_, connections_, fill_bytes_, pages_},
        registry_->add_sheet(), *config);
    thread.worker->use_sites(table_);
  }
  auto listening = open_listeners(*config, inherited);
  if (!listening) return Failure(listening.error());
  listening_ = *std::move(listening);
  for (std::size_t i = 0; i < threads_.size(); ++i) listen_on(threads_[i], i, *listening_);
  return {};
}

// A wrong list of servers is a mistake; a disk that cannot be had is a misfortune, and requests go on
// without.
Result<void> Server::open_cold_tiers() {
  const config::CacheConfig& cache = config().cache;
  if (cache.memcached) {
    auto fleet = memcached::Fleet::create(fleet_options(*cache.memcached));
    if (!fleet) return Failure(fleet.error());
    cold_.set_fleet(*std::move(fleet), cache.memcached->after_hits);
  }
  if (!cache.ssd) return {};
  ssd_ = std::make_unique<SsdKeeper>(main_loop_, cold_, *cache.ssd, [this] {
    for (Thread& thread : threads_) thread.loop->post([&thread] { thread.worker->store().use_ssd(); });
  });
  return {};
}

// Sockets for each address and worker: those that listen already (ours, or a predecessor's) are used again.
Result<Server::ListeningSet> Server::open_listeners(const config::EdgeConfig& config,
                                                    InheritedSockets& inherited) {
  auto made = std::make_shared<std::vector<Listening>>();
  std::vector<config::ListenConfig> all = config.listen;
  if (const auto for_edges = edge_listener(config)) all.push_back(*for_edges);
  for (const config::ListenConfig& wanted : all) {
    Listening& entry = made->emplace_back();
    entry.wanted = wanted.address;
    entry.config = wanted;
    if (made->size() > config.listen.size()) entry.client_ca_file = config.peers->tls->ca_file;
    if (wanted.tls) {
      TlsServerOptions options;
      options.certificate_file = wanted.tls->certificate;
      options.key_file = wanted.tls->key;
      options.min_version = wanted.tls->min_version == config::TlsVersion::k13 ? "1.3" : "1.2";
      options.client_ca_file = entry.client_ca_file;
      auto tls = TlsServerContext::create(options);
      if (!tls) return Failure(tls.error());
      entry.tls = *std::move(tls);
    }
    const bool open_already = std::any_of(listening_->begin(), listening_->end(),
                                          [&](const Listening& old) { return old.wanted == wanted.address; });
    if (open_already) continue;
    std::vector<ListenSocket> sockets = inherited.take_all(wanted.address);
    // All sockets of one address share its port, also when the kernel chose it for the first.
    while (sockets.size() < threads_.size()) {
      const SocketAddress& address = sockets.empty() ? wanted.address : sockets.front().address();
      auto socket = ListenSocket::open(address, static_cast<int>(wanted.backlog));
      if (!socket) return Failure(socket.error());
      sockets.push_back(*std::move(socket));
    }
    entry.sockets = std::make_shared<const std::vector<ListenSocket>>(std::move(sockets));
  }
  return made;
}

// A worker takes its own socket of each address, and its share of any further ones.
void Server::listen_on(Thread& thread, std::size_t index, const std::vector<Listening>& listening) {
  for (const Listening& entry : listening) {
    for (std::size_t i = index; i < entry.sockets->size(); i += threads_.size()) {
      thread.worker->listen((*entry.sockets)[i], entry.tls);
    }
  }
}

void Server::register_stats() {
  sheet_ = &registry_->add_sheet();
  registry_->register_labels(stats::LabelSet::kBadRequestReason, kBadMessageTokens);
  registry_->register_labels(stats::LabelSet::kNotStoredReason, kNotStoredTokens);
  registry_->register_labels(stats::LabelSet::kMissReason, kMissTokens);
  source_ = registry_->add_source([this](stats::Scrape& to) { scrape(to); });
}

void Server::scrape(stats::Scrape& to) {
  using stats::Sourced;
  const TierStats ram = ram_->stats();
  report("ram", ram, to);
  report_miss_ratio("ram", *miss_ratio_, ram.capacity_bytes, to);
  if (ssd_) report_ssd(cold_.ssd(), ssd_->is_recovering(), to);
  if (const memcached::Fleet* fleet = cold_.fleet()) {
    report("memcached", fleet->stats(), to);
    fleet->report(to, main_loop_.now_ms());
  }
  for (std::size_t i = 0; i < table_->size(); ++i) {
    const Site& site = table_->at(i);
    for (const upstream::TargetState& target : upstream::snapshot(*site.origins)) {
      const std::string_view name = site.config.name;
      using Breaker = upstream::TargetState::Breaker;
      to.set(Sourced::kOriginRequests, static_cast<double>(target.requests), {name, target.url});
      to.set(Sourced::kOriginFailures, static_cast<double>(target.failures), {name, target.url});
      to.set(Sourced::kOriginRetries, static_cast<double>(target.retries), {name, target.url});
      to.set(Sourced::kOriginRefused, static_cast<double>(target.refused), {name, target.url});
      to.set(Sourced::kOriginConnects, static_cast<double>(target.connects), {name, target.url});
      to.set(Sourced::kOriginReuses, static_cast<double>(target.reuses), {name, target.url});
      to.set(Sourced::kOriginRunning, target.running, {name, target.url});
      to.set(Sourced::kOriginWaiting, target.waiting, {name, target.url});
      to.set(Sourced::kOriginBreaker, target.breaker == Breaker::kClosed ? 1 : 0,
             {name, target.url, "closed"});
      to.set(Sourced::kOriginBreaker, target.breaker == Breaker::kOpen ? 1 : 0, {name, target.url, "open"});
      to.set(Sourced::kOriginBreaker, target.breaker == Breaker::kHalfOpen ? 1 : 0,
             {name, target.url, "half-open"});
      to.set(Sourced::kOriginEjected, target.ejected ? 1 : 0, {name, target.url});
    }
  }
  for (const Listening& entry : *listening_) {
    if (!entry.tls) continue;
    const TlsServerContext::Handshakes& handshakes = entry.tls->handshakes();
    to.set(Sourced::kHandshakes, static_cast<double>(handshakes.full), {"full"});
    to.set(Sourced::kHandshakes, static_cast<double>(handshakes.resumed), {"resumed"});
    to.set(Sourced::kHandshakes, static_cast<double>(handshakes.failed), {"failed"});
  }
  if (table_->peers()) table_->peers()->report(to, main_loop_.now_ms());
  to.set(Sourced::kConfigInfo, 1, {config().version, config().source});
  to.set(Sourced::kConfigLoaded, static_cast<double>(loaded_s_));
  to.set(Sourced::kDraining, draining_ ? 1 : 0);
  to.set(Sourced::kWorkers, static_cast<double>(threads_.size()));
}

Result<std::string> Server::reload() {
  if (draining_) return fail(ErrorCode::kUnavailable, ErrorSource::kOperator, "the edge is draining");
  const auto refused = [this](const Error& error) {
    sheet_->add(stats::kReloads, stats::ReloadResult::kFailed);
    return Failure(error);
  };
  auto config = load_();
  if (!config) return refused(config.error());
  auto table = SiteTable::make(*config, table_.get());
  if (!table) return refused(table.error());
  InheritedSockets none;
  auto listening = open_listeners(*config, none);
  if (!listening) return refused(listening.error());

  // Nothing can fail from here on.
  std::string notes;
  const config::EdgeConfig& old_config = this->config();
  const auto at_restart = [&notes](bool changed, std::string_view name) {
    if (changed) notes.append("; `").append(name).append("` changes at the next restart");
  };
  at_restart(worker_count(*config) != threads_.size(), "workers");
  at_restart(config->cache.max_object_share != old_config.cache.max_object_share, "cache.max_object_share");
  at_restart(!same_cold_tiers(config->cache, old_config.cache), "cache.ssd or cache.memcached");
  at_restart(config->cache.miss_ratio_share != old_config.cache.miss_ratio_share, "cache.miss_ratio_share");
  at_restart(!(config->admin.address == old_config.admin.address), "admin.address");
  at_restart(config->access_log.path != old_config.access_log.path ||
                 config->access_log.format != old_config.access_log.format ||
                 config->access_log.buffer_bytes != old_config.access_log.buffer_bytes,
             "access_log");
  at_restart(!(config->resolver.nameserver == old_config.resolver.nameserver), "resolver");
  for (Listening& entry : **listening) {
    const auto old = std::find_if(listening_->begin(), listening_->end(),
                                  [&](const Listening& have) { return have.wanted == entry.wanted; });
    if (old == listening_->end()) continue;
    entry.sockets = old->sockets;
    // The old context goes on, so that its sessions can still be resumed. Its files were found good a moment
    // ago.
    if (entry.tls && old->tls && old->tls_options() == entry.tls_options() && old->tls->reload())
      entry.tls = old->tls;
  }
  // Old sockets that are no longer wanted close only once no worker listens on them.
  const ListeningSet retired = std::exchange(listening_, *std::move(listening));
  table_ = *std::move(table);
  loaded_s_ = main_loop_.clock().wall_ms() / 1000;
  ram_->set_capacity(config->cache.ram_bytes);
  if (config->cache.ssd && ssd_) ssd_->set_write_budget(config->cache.ssd->write_budget_bytes);
  log_->reopen();
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    Thread& thread = threads_[i];
    thread.loop->post([this, &thread, i, table = table_, listening = listening_, retired] {
      thread.worker->use_sites(table);
      thread.worker->stop_listening();
      listen_on(thread, i, *listening);
    });
  }
  sheet_->add(stats::kReloads, stats::ReloadResult::kOk);
  return "configuration " + table_->config().version + " is in force" + notes;
}

void Server::drain(std::function<void()> done) {
  if (draining_) return;
  draining_ = true;
  drained_ = std::move(done);
  if (ssd_) ssd_->stop();
  undrained_ = threads_.size();
  force_cut_.arm(config().drain_timeout_ms);
  // The sockets close once every worker has let go of them: whoever comes then is refused instead of waiting
  // for nobody.
  const ListeningSet retired = std::exchange(listening_, std::make_shared<std::vector<Listening>>());
  for (Thread& thread : threads_) {
    thread.loop->post([this, &thread, retired] {
      thread.worker->drain([this] {
        main_loop_.post([this] {
          if (--undrained_ > 0) return;
          force_cut_.cancel();
          if (drained_) std::exchange(drained_, nullptr)();
        });
      });
    });
  }
}

void Server::cut() {
  for (Thread& thread : threads_) thread.loop->post([&thread] { thread.worker->cut(); });
  if (drained_) std::exchange(drained_, nullptr)();
}

void Server::stop() {
  for (Thread& thread : threads_) {
    thread.loop->stop();
    if (thread.thread.joinable()) thread.thread.join();
  }
}

Server::~Server() {
  source_.reset();
  if (ssd_) ssd_->stop();
  stop();
  // Requests of one worker may follow fetches of another: all of them end before any worker does.
  for (Thread& thread : threads_) thread.worker->clear();
}

std::vector<const ListenSocket*> Server::sockets() const {
  std::vector<const ListenSocket*> all;
  for (const Listening& entry : *listening_) {
    for (const ListenSocket& socket : *entry.sockets) all.push_back(&socket);
  }
  return all;
}

std::vector<SocketAddress> Server::addresses() const {
  std::vector<SocketAddress> all;
  for (const Listening& entry : *listening_) all.push_back(entry.sockets->front().address());
  return all;
}

}  // namespace meridian::edge
