#include "edge/worker.h"

#include <unistd.h>

#include <random>

#include "edge/error_page.h"
#include "lib/base/check.h"
#include "lib/http/bad_message.h"

namespace meridian::edge {
namespace {

constexpr std::int64_t kLogFlushMs = 1000;

http::StorePolicy store_policy(const config::CachePolicyConfig& cache) {
  http::StorePolicy policy;
  policy.freshness.heuristics = cache.heuristic;
  policy.freshness.heuristic_percent = cache.heuristic_percent;
  policy.freshness.heuristic_max_s = cache.heuristic_max_s;
  if (cache.ttl_max_s > 0) policy.freshness.lifetime_max_s = cache.ttl_max_s;
  for (const config::StatusTtl& ttl : cache.default_ttl)
    policy.freshness.by_status.push_back({ttl.status, ttl.ttl_s});
  policy.set_cookie = cache.set_cookie;
  policy.honour_request_no_store = cache.honour_client;
  policy.store_partial = cache.store_partial;
  policy.vary_names_max = cache.vary_max_names;
  return policy;
}

http::VaryPolicy vary_policy(const config::CachePolicyConfig& cache) {
  http::VaryPolicy policy;
  policy.names_max = cache.vary_max_names;
  policy.sort_languages = cache.normalise_accept_language;
  if (!cache.normalise_accept_encoding) policy.encodings.clear();
  return policy;
}

http::UriPolicy uri_policy(const config::CachePolicyConfig& cache) {
  http::UriPolicy policy;
  policy.sort_query = cache.query == config::QueryPolicy::kSort;
  policy.drop_query = cache.query == config::QueryPolicy::kDrop;
  policy.drop_parameters = cache.query_drop;
  return policy;
}

std::unique_ptr<Resolver> make_resolver(EventLoop& loop, const config::ResolverConfig& config) {
  Resolver::Options options;
  options.min_ttl_ms = config.min_ttl_ms;
  options.max_ttl_ms = config.max_ttl_ms;
  options.timeout_ms = config.timeout_ms;
  if (config.nameserver.valid()) options.nameserver = config.nameserver.to_string();
  return Resolver::create(loop, options);
}

}  // namespace

Worker::Worker(EventLoop& loop, const Shared& shared, stats::Sheet& sheet, const config::EdgeConfig& config)
    : loop_(loop),
      shared_(shared),
      miss_ratio_(shared.miss_ratio),
      sheet_(sheet),
      board_(loop),
      resolver_(make_resolver(loop, config.resolver)),
      store_(shared.ram, shared.pages, shared.cold, loop, *resolver_),
      log_(shared.log),
      log_timer_(loop, [this] { flush_log(); }) {
  std::random_device seed;
  for (std::uint64_t& word : random_state_) word = (std::uint64_t{seed()} << 32U) | seed();
}

Worker::~Worker() { clear(); }

void Worker::clear() {
  listeners_.clear();
  tunnels_.clear();
  connections_.clear();
  fetches_.clear();
  // What was cut has its lines too.
  if (log_.enabled()) flush_log();
}

// xorshift128+ (Vigna 2014): for ids and boundaries, which need to be different, not secret.
std::uint64_t Worker::random() {
  std::uint64_t a = random_state_[0];
  const std::uint64_t b = random_state_[1];
  random_state_[0] = b;
  a ^= a << 23U;
  random_state_[1] = a ^ b ^ (a >> 17U) ^ (b >> 26U);
  return random_state_[1] + b;
}

void Worker::use_sites(std::shared_ptr<const SiteTable> table) {
  auto view = std::make_shared<SiteView>();
  view->table = std::move(table);
  for (std::size_t i = 0; i < view->table->size(); ++i) {
    const Site& site = view->table->at(i);
    std::shared_ptr<upstream::Group> group;
    // Pools of origins that did not change are kept.
    for (std::size_t j = 0; view_ && j < view_->table->size() && !group; ++j) {
      if (view_->table->at(j).origins == site.origins) group = view_->groups[j];
    }
    if (!group) group = upstream::Group::create(loop_, *resolver_, site.origins);
    view->groups.push_back(std::move(group));
    view->uri_policies.push_back(uri_policy(site.config.cache));
    view->store_policies.push_back(store_policy(site.config.cache));
    view->vary_policies.push_back(vary_policy(site.config.cache));
  }
  view->limits = config::server_limits(view->table->config().limits);
  if (view->table->peers()) {
    view->peers = std::make_shared<PeerView>(loop_, *resolver_, view->table->peers(),
                                             view_ ? view_->peers.get() : nullptr);
    for (std::size_t i = 0; i < view->table->size(); ++i)
      view->shields.push_back(view->table->peers()->shield_of(view->table->at(i).config));
  }
  view_ = std::move(view);
  last_authority_.clear();
  last_site_ = SiteTable::kNone;
}

// By the same normal form that the key has: else one site's answers could be stored under another's keys.
std::size_t Worker::site_of(std::string_view authority) {
  if (authority == last_authority_ && last_site_ != SiteTable::kNone) return last_site_;
  const bool is_host = http::host_of(authority, last_host_);
  last_site_ = is_host ? view_->table->find(last_host_) : SiteTable::kNone;
  last_authority_.assign(authority);
  return last_site_;
}

void Worker::listen(const ListenSocket& socket, std::shared_ptr<TlsServerContext> tls) {
  const bool is_tls = tls != nullptr;
  listeners_.push_back(std::make_unique<Listener>(
      loop_, socket, std::move(tls),
      [this, is_tls](std::unique_ptr<Stream> stream) { on_stream(std::move(stream), is_tls); }));
}

void Worker::on_stream(std::unique_ptr<Stream> stream, bool is_tls) {
  const stats::Transport transport = is_tls ? stats::Transport::kTls : stats::Transport::kPlain;
  const std::uint64_t limit = view_->table->config().limits.connections;
  if (limit > 0 && shared_.connections.load(std::memory_order_relaxed) >= limit) {
    sheet_.add(stats::kConnectionsRefused);
    sheet_.add(stats::kLimits, stats::Limit::kConnections);
    stream->reset_on_close();
    return;
  }
  shared_.connections.fetch_add(1, std::memory_order_relaxed);
  sheet_.add(stats::kAccepted, transport);
  sheet_.change(stats::kConnections, +1, transport);
  auto server = http::ServerConnection::create(loop_, std::move(stream), view_->limits, *this);
  http::ServerConnection* key = server.get();
  connections_.emplace(key, Connection{std::move(server), is_tls});
}

void Worker::on_connection_closed(http::ServerConnection& connection) {
  const auto found = connections_.find(&connection);
  CHECK(found != connections_.end());
  sheet_.change(stats::kConnections, -1,
                found->second.is_tls ? stats::Transport::kTls : stats::Transport::kPlain);
  shared_.connections.fetch_sub(1, std::memory_order_relaxed);
  sheet_.add_n(stats::kBytesIn, connection.take_bytes_received());
  // The connection is still on the stack: it goes at the end of the turn.
  loop_.at_end_of_turn([this, dead = std::shared_ptr<http::ServerConnection>(
                                  std::move(found->second.server))] { check_drained(); });
  connections_.erase(found);
}

void Worker::on_request(http::Exchange& exchange) {
  if (free_.empty()) {
    pool_.push_back(std::make_unique<Request>(*this));
    free_.push_back(pool_.back().get());
  }
  Request* request = free_.back();
  free_.pop_back();
  request->begin(exchange);
}

Recall& Worker::take_recall() {
  if (idle_recalls_.empty()) {
    recalls_.push_back(std::make_unique<Recall>(*this));
    return *recalls_.back();
  }
  Recall* const recall = idle_recalls_.back();
  idle_recalls_.pop_back();
  return *recall;
}

namespace {

http::BadMessage reason_of(std::string_view token) {
  std::size_t i = 0;
  while (i + 1 < http::kBadMessageCount && http::token_of(static_cast<http::BadMessage>(i)) != token) ++i;
  return static_cast<http::BadMessage>(i);
}

}  // namespace

std::string_view Worker::on_bad_request(const http::BadRequest& bad, const SocketAddress&) {
  count_limit(bad.reason);
  sheet_.add(stats::kBadRequests, stats::label<stats::BadRequestReason>(reason_of(bad.reason)));
  bad_request_page_.assign("The request was refused: ").append(bad.reason).append("\n");
  return bad_request_page_;
}

void Worker::on_silent_timeout(SilentTimeout timeout) {
  sheet_.add(stats::kLimits,
             timeout == SilentTimeout::kIdle ? stats::Limit::kIdleTimeout : stats::Limit::kWriteTimeout);
}

OriginFetch& Worker::run_fetch(std::unique_ptr<OriginFetch> fetch) {
  fetch->set_place(fetches_.size());
  fetches_.push_back(std::move(fetch));
  return *fetches_.back();
}

void Worker::end_fetch(OriginFetch& fetch) {
  const std::size_t place = fetch.place();
  CHECK(place < fetches_.size() && fetches_[place].get() == &fetch);
  ended_fetches_.push_back(std::move(fetches_[place]));
  if (place + 1 != fetches_.size()) {
    fetches_[place] = std::move(fetches_.back());
    fetches_[place]->set_place(place);
  }
  fetches_.pop_back();
  if (ended_fetches_.size() > 1) return;
  loop_.at_end_of_turn([this] {
    ended_fetches_.clear();
    check_drained();
  });
}

void Worker::add_tunnel(std::unique_ptr<Stream> client, Slice from_client, std::unique_ptr<Stream> origin,
                        Slice to_client) {
  sheet_.change(stats::kTunnels, +1);
  shared_.connections.fetch_add(1, std::memory_order_relaxed);
  Tunnel::Options options;
  options.idle_timeout_ms = view_->table->config().limits.tunnel_timeout_ms;
  auto tunnel = std::make_unique<Tunnel>(loop_, options, std::move(client), std::move(from_client),
                                         std::move(origin), std::move(to_client),
                                         [this](Tunnel& ended, std::uint64_t up, std::uint64_t down) {
                                           sheet_.change(stats::kTunnels, -1);
                                           shared_.connections.fetch_sub(1, std::memory_order_relaxed);
                                           sheet_.add_n(stats::kBytesIn, up);
                                           sheet_.add_n(stats::kBytesOut, down);
                                           tunnels_.erase(&ended);
                                           check_drained();
                                         });
  Tunnel* key = tunnel.get();
  tunnels_.emplace(key, std::move(tunnel));
}

void Worker::release(Request& request, bool completed) {
  sheet_.add_n(stats::kBytesIn, request.take_bytes_received());
  count(request, completed);
  request.reset();
  free_.push_back(&request);
}

void Worker::count(const Request& request, bool completed) {
  const Request::Outcome& outcome = request.outcome();
  const http::Exchange& exchange = request.exchange();
  const std::int64_t duration_ms = loop_.now_ms() - exchange.started_ms();
  sheet_.add(stats::kRequests, outcome.result,
             completed ? stats::status_class(outcome.status) : stats::StatusClass::kAborted);
  sheet_.add(stats::kServedBy, outcome.tier);
  sheet_.add(stats::kRequestVersions,
             exchange.request().version == http::Version::kHttp10 ? stats::HttpVersion::kHttp10
                                                                  : stats::HttpVersion::kHttp11,
             exchange.tls() != nullptr ? stats::Transport::kTls : stats::Transport::kPlain);
  if (outcome.miss != http::MissReason::kNone)
    sheet_.add(stats::kMisses, stats::label<stats::MissReason>(outcome.miss));
  sheet_.add_n(stats::kBytesOut, exchange.bytes_sent());
  sheet_.observe(stats::kRequestDuration, duration_ms * 1000, outcome.result);
  sheet_.observe(stats::kFirstByte, outcome.first_byte_ms * 1000, outcome.result);
  if (!log_.enabled()) return;
  sheet_.add(stats::kLogLines);
  sheet_.add_n(stats::kLogDropped, log_.add(request, loop_.wall_ms(), duration_ms, completed));
  if (!log_timer_.armed()) log_timer_.arm(kLogFlushMs);
}

// Refusals that are limits of the configuration are counted as such too.
void Worker::count_limit(std::string_view refusal) {
  static constexpr std::pair<std::string_view, stats::Limit> kLimits[] = {
      {"line-too-long", stats::Limit::kRequestLine},    {"header-too-large", stats::Limit::kHeader},
      {"too-many-fields", stats::Limit::kHeaderCount},  {"body-too-large", stats::Limit::kBody},
      {"header-timeout", stats::Limit::kHeaderTimeout}, {"body-timeout", stats::Limit::kBodyTimeout},
  };
  for (const auto& [token, limit] : kLimits) {
    if (token == refusal) sheet_.add(stats::kLimits, limit);
  }
}

void Worker::flush_log() { sheet_.add_n(stats::kLogDropped, log_.flush()); }

void Worker::drain(std::function<void()> empty) {
  listeners_.clear();
  drained_ = std::move(empty);
  // drain() may close a connection inside the call, which takes it from the map.
  std::vector<http::ServerConnection*> open;
  for (const auto& [connection, owned] : connections_) open.push_back(connection);
  for (http::ServerConnection* connection : open) {
    if (connections_.contains(connection)) connection->drain();
  }
  check_drained();
}

void Worker::cut() {
  if (!connections_.empty() || !tunnels_.empty()) sheet_.add(stats::kLimits, stats::Limit::kDrainTimeout);
  std::vector<Tunnel*> open;
  for (const auto& [tunnel, owned] : tunnels_) open.push_back(tunnel);
  for (Tunnel* tunnel : open) tunnel->cut();
  flush_log();
}

void Worker::check_drained() {
  if (!drained_ || !connections_.empty() || !tunnels_.empty() || !fetches_.empty()) return;
  flush_log();
  std::exchange(drained_, nullptr)();
}

}  // namespace meridian::edge
