#include "edge/tiers/memcached/fleet.h"

namespace meridian::memcached {
namespace {

std::uint64_t get(const Count& count) { return count.load(std::memory_order_relaxed); }

template <class End, std::size_t kEnds>
void report_ends(stats::Scrape& scrape, stats::Sourced metric, std::string_view server,
                 const std::array<Count, kEnds>& counts) {
  for (std::size_t i = 0; i < kEnds; ++i) {
    scrape.set(metric, static_cast<double>(get(counts[i])), {server, name_of(static_cast<End>(i))});
  }
}

void report_breaker(stats::Scrape& scrape, const Server& server, std::int64_t now_ms) {
  using State = Breaker::State;
  constexpr std::array<std::pair<State, std::string_view>, 3> kStates = {
      {{State::kClosed, "closed"}, {State::kOpen, "open"}, {State::kHalfOpen, "half-open"}}};
  const State now = server.breaker.state(now_ms);
  for (const auto& [state, name] : kStates) {
    scrape.set(stats::Sourced::kMemcachedBreaker, state == now ? 1 : 0, {server.name, name});
  }
}

}  // namespace

std::string_view name_of(GetEnd end) {
  constexpr std::array<std::string_view, kGetEnds> kNames = {"hit",    "miss",    "rejected", "late",
                                                             "failed", "refused", "shed",     "cancelled"};
  return kNames[static_cast<std::size_t>(end)];
}
std::string_view name_of(WriteEnd end) {
  constexpr std::array<std::string_view, kWriteEnds> kNames = {"stored", "failed", "refused", "shed"};
  return kNames[static_cast<std::size_t>(end)];
}
std::string_view name_of(RemovalEnd end) { return end == RemovalEnd::kDone ? "done" : "failed"; }

Result<std::unique_ptr<Fleet>> Fleet::create(Options options) {
  auto placement = Placement::create(options.servers);
  if (!placement) return Failure(placement.error());
  return std::unique_ptr<Fleet>(new Fleet(std::move(options), std::move(*placement)));
}

Fleet::Fleet(Options options, std::unique_ptr<Placement> placement)
    : options_(std::move(options)), placement_(std::move(placement)) {
  for (const ServerAddress& address : options_.servers) {
    servers_.push_back(std::make_unique<Server>(address, options_));
  }
}

bool Fleet::take_turn_to_ask(std::int64_t now_ms) {
  std::int64_t due = next_ask_ms_.load(std::memory_order_relaxed);
  return now_ms >= due && next_ask_ms_.compare_exchange_strong(due, now_ms + options_.stats_interval_ms);
}

TierStats Fleet::stats() const {
  TierStats sum;
  sum.rejections = get(refused_objects_);
  for (const auto& server : servers_) {
    sum.objects += get(server->objects);
    sum.bytes += get(server->bytes);
    sum.capacity_bytes += get(server->capacity_bytes);
    sum.evictions += get(server->evictions);
    sum.inserts += get(server->writes[static_cast<std::size_t>(WriteEnd::kStored)]);
    for (std::size_t i = 0; i < kGetEnds; ++i) {
      (static_cast<GetEnd>(i) == GetEnd::kHit ? sum.hits : sum.misses) += get(server->gets[i]);
    }
  }
  return sum;
}

void Fleet::report(stats::Scrape& scrape, std::int64_t now_ms) const {
  using stats::Sourced;
  for (const auto& server : servers_) {
    const std::string_view name = server->name;
    report_ends<GetEnd>(scrape, Sourced::kMemcachedGets, name, server->gets);
    report_ends<WriteEnd>(scrape, Sourced::kMemcachedWrites, name, server->writes);
    report_ends<RemovalEnd>(scrape, Sourced::kMemcachedRemovals, name, server->removals);
    for (std::size_t i = 1; i < kRejects; ++i) {
      scrape.set(Sourced::kMemcachedRejected, static_cast<double>(get(server->rejects[i])),
                 {name, name_of(static_cast<Reject>(i))});
    }
    scrape.set(Sourced::kMemcachedLateAnswers, static_cast<double>(get(server->late_answers)), {name});
    scrape.set(Sourced::kMemcachedConnects, static_cast<double>(get(server->connects)), {name});
    scrape.set(Sourced::kMemcachedWaiting, static_cast<double>(get(server->waiting)), {name});
    scrape.set(Sourced::kMemcachedWaitingBytes, static_cast<double>(get(server->waiting_bytes)), {name});
    report_breaker(scrape, *server, now_ms);
  }
}

}  // namespace meridian::memcached
