#include "origin/upstream/shared_group.h"

#include "lib/base/hash.h"

namespace meridian::upstream {
namespace {

// Below this a rate says too little.
constexpr std::uint64_t kEjectLeastRequests = 20;

TargetState::Breaker shown(Breaker::State state) {
  switch (state) {
    case Breaker::State::kOpen:
      return TargetState::Breaker::kOpen;
    case Breaker::State::kHalfOpen:
      return TargetState::Breaker::kHalfOpen;
    case Breaker::State::kClosed:
      break;
  }
  return TargetState::Breaker::kClosed;
}

}  // namespace

SharedTarget::SharedTarget(const GroupOptions& group, const TargetOptions& options, OriginUrl url)
    : options_(options),
      url_(std::move(url)),
      server_name_(group.tls_server_name.empty() ? url_.host : group.tls_server_name),
      seed_(hash_bytes(options.url)),
      breaker_(group.breaker_failures, group.breaker_span_ms, group.breaker_open_ms),
      slots_(std::make_shared<Slots>(group.connections, group.queue)) {}

TargetState SharedTarget::state(std::int64_t now_ms) const {
  TargetState s;
  s.url = options_.url;
  s.running = slots_->running();
  s.waiting = slots_->waiting();
  s.breaker = shown(breaker_.state(now_ms));
  s.ejected = ejected(now_ms);
  s.requests = counters_.requests.load(std::memory_order_relaxed);
  s.failures = counters_.failures.load(std::memory_order_relaxed);
  s.retries = counters_.retries.load(std::memory_order_relaxed);
  s.refused = counters_.refused.load(std::memory_order_relaxed);
  s.connects = counters_.connects.load(std::memory_order_relaxed);
  s.reuses = counters_.reuses.load(std::memory_order_relaxed);
  return s;
}

Result<std::shared_ptr<SharedGroup>> SharedGroup::make(const GroupOptions& options) {
  if (options.targets.empty()) {
    return fail(ErrorCode::kInvalid, ErrorSource::kOperator,
                "origin group '" + options.name + "' has no target");
  }
  std::shared_ptr<SharedGroup> group(new SharedGroup(options));
  bool any_tls = false;
  for (const TargetOptions& target : options.targets) {
    Result<OriginUrl> url = OriginUrl::parse(target.url);
    if (!url) return Failure(std::move(url.error()));
    any_tls = any_tls || url->tls;
    group->has_backups_ = group->has_backups_ || target.backup;
    group->targets_.push_back(std::make_unique<SharedTarget>(options, target, *std::move(url)));
  }
  if (any_tls) {
    auto tls = TlsClientContext::create(options.tls);
    if (!tls) return Failure(std::move(tls.error()));
    group->tls_ = *std::move(tls);
  }
  return group;
}

void SharedGroup::record(std::size_t index, Breaker::Pass pass, Outcome outcome, std::int64_t now_ms) {
  SharedTarget& target = *targets_[index];
  if (outcome == Outcome::kUnknown) {
    target.breaker().abandoned(pass);
    return;
  }
  // A server that answers 5xx is up: that is never the breaker's business.
  if (outcome == Outcome::kFailed) {
    target.breaker().failed(pass, now_ms);
  } else {
    target.breaker().succeeded(pass);
  }
  target.rate().count_all(now_ms);
  if (outcome == Outcome::kGood || (outcome == Outcome::kServerError && !options_.server_errors_count))
    return;
  target.counters().failures.fetch_add(1, std::memory_order_relaxed);
  target.rate().count_some(now_ms);
  consider_ejection(target, now_ms);
}

// Never more than half of the targets of a rank (primary or backup) are out at once, so that a fault that all
// share cannot take the whole group away; a lone target is never ejected.
void SharedGroup::consider_ejection(SharedTarget& target, std::int64_t now_ms) {
  if (targets_.size() == 1) return;
  const RateWindow::Sums sums = target.rate().sums(now_ms);
  if (sums.all < kEjectLeastRequests) return;
  if (static_cast<double>(sums.some) < options_.eject_error_rate * static_cast<double>(sums.all)) return;
  MutexLock lock(ejection_mutex_);
  if (target.ejected(now_ms)) return;
  std::size_t peers = 0;
  std::size_t out = 1;
  for (const auto& other : targets_) {
    if (other->options().backup != target.options().backup) continue;
    ++peers;
    if (other->ejected(now_ms)) ++out;
  }
  if (out * 2 > peers) return;
  target.rate().clear();
  target.eject_until(now_ms + options_.eject_ms);
}

Result<std::shared_ptr<SharedGroup>> make_shared_group(const GroupOptions& options) {
  return SharedGroup::make(options);
}

bool take_retry(SharedGroup& shared, std::int64_t now_ms) { return shared.budget().take(now_ms); }

std::vector<TargetState> snapshot(const SharedGroup& shared, std::int64_t now_ms) {
  std::vector<TargetState> states;
  states.reserve(shared.size());
  for (std::size_t i = 0; i < shared.size(); ++i) states.push_back(shared.target(i).state(now_ms));
  return states;
}

}  // namespace meridian::upstream
