#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/breaker.h"
#include "lib/base/mutex.h"
#include "lib/net/tls.h"
#include "origin/upstream/origin_url.h"
#include "origin/upstream/rate_window.h"
#include "origin/upstream/retry_budget.h"
#include "origin/upstream/slots.h"
#include "origin/upstream/upstream.h"

namespace meridian::upstream {

// What all workers know of one target. Any thread.
class SharedTarget {
 public:
  SharedTarget(const GroupOptions& group, const TargetOptions& options, OriginUrl url);

  const TargetOptions& options() const { return options_; }
  const OriginUrl& url() const { return url_; }
  const std::string& server_name() const { return server_name_; }  // for SNI and verification
  std::uint64_t seed() const { return seed_; }                     // for consistent hashing
  Breaker& breaker() { return breaker_; }
  Slots& slots() { return *slots_; }
  const Slots& slots() const { return *slots_; }
  RateWindow& rate() { return rate_; }

  bool ejected(std::int64_t now_ms) const {
    return now_ms < ejected_until_ms_.load(std::memory_order_acquire);
  }
  void eject_until(std::int64_t ms) { ejected_until_ms_.store(ms, std::memory_order_release); }
  // Breaker and ejection let requests through.
  bool usable(std::int64_t now_ms) const { return breaker_.would_pass(now_ms) && !ejected(now_ms); }

  struct Counters {
    std::atomic<std::uint64_t> requests{0}, failures{0}, retries{0}, refused{0}, connects{0}, reuses{0};
  };
  Counters& counters() { return counters_; }
  TargetState state(std::int64_t now_ms) const;

 private:
  const TargetOptions options_;
  const OriginUrl url_;
  const std::string server_name_;
  const std::uint64_t seed_;
  Breaker breaker_;
  const std::shared_ptr<Slots> slots_;
  RateWindow rate_;
  std::atomic<std::int64_t> ejected_until_ms_{0};
  Counters counters_;
};

// How one attempt at a target ended.
enum class Outcome : std::uint8_t {
  kGood,         // a whole response
  kServerError,  // a whole response with a 5xx status
  kFailed,       // no connection, a deadline, a broken response
  kUnknown,      // the asker went away first
};

// What all workers share of a group; see upstream.h. Any thread. Held by the workers' groups and their
// fetches.
class SharedGroup {
 public:
  [[nodiscard]] static Result<std::shared_ptr<SharedGroup>> make(const GroupOptions& options);

  const GroupOptions& options() const { return options_; }
  std::size_t size() const { return targets_.size(); }
  SharedTarget& target(std::size_t index) { return *targets_[index]; }
  const SharedTarget& target(std::size_t index) const { return *targets_[index]; }
  RetryBudget& budget() { return budget_; }
  const std::shared_ptr<TlsClientContext>& tls() const { return tls_; }  // nullptr: no https target
  bool has_backups() const { return has_backups_; }

  // Counts an attempt's end, moves the breaker, and ejects a target whose rate of failures is too high.
  void record(std::size_t target, Breaker::Pass pass, Outcome outcome, std::int64_t now_ms);

 private:
  explicit SharedGroup(const GroupOptions& options) : options_(options), budget_(options.retry_budget) {}
  void consider_ejection(SharedTarget& target, std::int64_t now_ms) EXCLUDES(ejection_mutex_);

  const GroupOptions options_;
  std::vector<std::unique_ptr<SharedTarget>> targets_;
  RetryBudget budget_;
  std::shared_ptr<TlsClientContext> tls_;
  bool has_backups_ = false;
  Mutex ejection_mutex_;  // one decision at a time: together they must not eject too many
};

}  // namespace meridian::upstream
