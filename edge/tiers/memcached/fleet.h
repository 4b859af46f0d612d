#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "edge/tiers/memcached/placement.h"
#include "edge/tiers/memcached/value.h"
#include "edge/tiers/tier.h"
#include "lib/base/breaker.h"
#include "lib/stats/registry.h"

namespace meridian::memcached {

struct Options {
  std::vector<ServerAddress> servers = {};
  std::uint64_t max_object_bytes = 64 * 1024;  // key, head and body
  std::int64_t get_budget_ms = 20;
  std::int64_t timeout_ms = 50;
  // Of each worker at each server.
  unsigned queue = 1024;
  std::uint64_t write_queue_bytes = 4ULL << 20U;
  unsigned breaker_failures = 3;
  std::int64_t breaker_open_ms = 1000;
  std::uint32_t keep_stale_s = 3600;
  std::int64_t stats_interval_ms = 10'000;
};

// How a get, a write and a removal can end; shown under these names in metrics.
enum class GetEnd : std::uint8_t {
  kHit,
  kMiss,
  kRejected,   // a value that is not this key's, whole
  kLate,       // no answer within the budget
  kFailed,     // the connection failed, or the server said so
  kRefused,    // the breaker is open
  kShed,       // too much waits for the server
  kCancelled,  // the asker went away
};
inline constexpr std::size_t kGetEnds = 8;
enum class WriteEnd : std::uint8_t { kStored, kFailed, kRefused, kShed };
inline constexpr std::size_t kWriteEnds = 4;
enum class RemovalEnd : std::uint8_t { kDone, kFailed };
inline constexpr std::size_t kRemovalEnds = 2;
std::string_view name_of(GetEnd end);
std::string_view name_of(WriteEnd end);
std::string_view name_of(RemovalEnd end);

using Count = std::atomic<std::uint64_t>;

// What all workers know of one server.
struct Server {
  Server(ServerAddress where, const Options& options)
      : address(std::move(where)),
        name(address.name()),
        breaker(options.breaker_failures, 0, options.breaker_open_ms) {}
  void count(GetEnd end) { gets[static_cast<std::size_t>(end)].fetch_add(1, std::memory_order_relaxed); }
  void count(WriteEnd end) { writes[static_cast<std::size_t>(end)].fetch_add(1, std::memory_order_relaxed); }
  void count(RemovalEnd end) {
    removals[static_cast<std::size_t>(end)].fetch_add(1, std::memory_order_relaxed);
  }

  const ServerAddress address;
  const std::string name;
  Breaker breaker;
  std::array<Count, kGetEnds> gets{};
  std::array<Count, kWriteEnds> writes{};
  std::array<Count, kRemovalEnds> removals{};
  std::array<Count, kRejects> rejects{};
  Count late_answers{0};  // came when nobody waited any more, and were dropped
  Count connects{0};
  Count waiting{0};        // what was asked and not answered, now
  Count waiting_bytes{0};  // of values to write
  // As the server said when it was last asked. It counts for the whole region.
  Count objects{0}, bytes{0}, capacity_bytes{0}, evictions{0};
};

// The region's memcached servers as all workers of the process share them: who has which key, how each server
// does, and what was counted. Outlives the workers' tiers. Every function from any thread; there is no lock.
class Fleet {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Fleet>> create(Options options);

  const Options& options() const { return options_; }
  std::size_t size() const { return servers_.size(); }
  Server& server(std::size_t index) { return *servers_[index]; }
  const Server& server(std::size_t index) const { return *servers_[index]; }
  std::size_t server_of(const WireKey& key) const { return placement_->server_of(key.view()); }
  // For one worker in each interval: whether it is the one that asks the servers how they are.
  bool take_turn_to_ask(std::int64_t now_ms);
  void count_refused_object() { refused_objects_.fetch_add(1, std::memory_order_relaxed); }

  TierStats stats() const;
  // For Registry::add_source().
  void report(stats::Scrape& scrape, std::int64_t now_ms) const;

 private:
  Fleet(Options options, std::unique_ptr<Placement> placement);

  const Options options_;
  const std::unique_ptr<Placement> placement_;
  std::vector<std::unique_ptr<Server>> servers_;
  Count refused_objects_{0};
  std::atomic<std::int64_t> next_ask_ms_{0};
};

}  // namespace meridian::memcached
