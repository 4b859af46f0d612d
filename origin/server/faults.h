#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/origin_server_config.h"
#include "lib/base/mutex.h"
#include "lib/base/result.h"
#include "lib/stats/labels.h"

namespace meridian::origin {

// Dice for faults: splitmix64, seeded, so that a run can be repeated. One for each worker.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  bool chance(double probability);
  // Evenly within [0, limit].
  std::int64_t up_to(std::int64_t limit);

 private:
  std::uint64_t state_;
};

// A fault as it was set, and what became of it. Shared by all workers.
struct ActiveFault {
  ActiveFault(config::FaultConfig rule, std::int64_t since_ms) : rule(std::move(rule)), since_ms(since_ms) {}
  const config::FaultConfig rule;
  const std::int64_t since_ms;  // monotonic: flapping counts from here
  std::atomic<std::uint64_t> hits{0};

  // Takes one of the hits that `count` allows; false when none is left.
  bool take();
  // False while a flapping fault rests.
  bool is_down(std::int64_t now_ms) const;
};
using FaultSet = std::vector<std::shared_ptr<ActiveFault>>;

// A hang ends with a reset after this long, if the client has not left before. (One that only closed its
// sending side cannot be told from one that waits.)
inline constexpr std::int64_t kLongestHangMs = 600'000;

// What the faults that hit one request do to it, taken together.
struct FaultPlan {
  std::int64_t head_delay_ms = 0;
  std::int64_t body_delay_ms = 0;
  std::uint64_t body_delay_at = 0;
  std::uint64_t rate_bytes_per_s = 0;  // 0: no limit
  int status = 0;                      // 0: the resource's own
  config::FaultCut cut = config::FaultCut::kNone;
  bool cut_in_body = false;
  std::uint64_t cut_at = 0;
  std::uint32_t kinds = 0;  // a bit for each stats::OriginFault that is part of it

  void note(stats::OriginFault kind) { kinds |= 1U << static_cast<unsigned>(kind); }
  bool has(stats::OriginFault kind) const { return (kinds >> static_cast<unsigned>(kind) & 1U) != 0; }
};

// Decides what happens to one request. Every fault that hits is applied: delays add up, of rates the lowest,
// of statuses and cuts the first holds.
FaultPlan plan_faults(const FaultSet& faults, std::string_view method, std::string_view path,
                      std::int64_t now_ms, Dice& dice);

// The faults that are set now. Any thread may change or read them; a reader gets an immutable list.
class FaultTable {
 public:
  std::shared_ptr<const FaultSet> view() const EXCLUDES(mutex_);
  // Changes with every change of the list, so that a worker can keep its view until then.
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

  // Sets faults; one of the same name is replaced, and its hits count anew. All or none: fails, naming the
  // limit, when there would be more than kMaxFaults.
  [[nodiscard]] Result<void> set(const std::vector<config::FaultConfig>& faults, std::int64_t now_ms)
      EXCLUDES(mutex_);
  // Sets these and removes all others.
  [[nodiscard]] Result<void> replace_all(const std::vector<config::FaultConfig>& faults, std::int64_t now_ms)
      EXCLUDES(mutex_);
  bool remove(std::string_view name) EXCLUDES(mutex_);
  void clear() EXCLUDES(mutex_);
  static constexpr std::size_t kMaxFaults = 1000;

 private:
  [[nodiscard]] Result<void> publish(FaultSet next) REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::shared_ptr<const FaultSet> faults_ GUARDED_BY(mutex_) = std::make_shared<FaultSet>();
  std::atomic<std::uint64_t> version_{1};
};

// A worker's view of the table: takes the lock only after a change.
class FaultView {
 public:
  explicit FaultView(const FaultTable& table) : table_(table) {}
  const FaultSet& faults();

 private:
  const FaultTable& table_;
  std::uint64_t version_ = 0;
  std::shared_ptr<const FaultSet> faults_;
};

}  // namespace meridian::origin
