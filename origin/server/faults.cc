#include "origin/server/faults.h"

#include <algorithm>

#include "lib/base/check.h"
#include "origin/server/glob.h"

namespace meridian::origin {
namespace {

using config::FaultConfig;
using config::FaultCut;
using config::FaultPoint;
using stats::OriginFault;

bool is_aimed_at(const FaultConfig& rule, std::string_view method, std::string_view path) {
  const bool method_matches = rule.methods.empty() || std::find(rule.methods.begin(), rule.methods.end(),
                                                                method) != rule.methods.end();
  return method_matches && glob_matches(rule.path, path);
}

void apply_delay(const FaultConfig& rule, Dice& dice, FaultPlan& plan) {
  const std::int64_t delay_ms = rule.delay_ms + dice.up_to(rule.jitter_ms);
  if (delay_ms == 0) return;
  plan.note(OriginFault::kDelay);
  if (rule.at == FaultPoint::kHead) {
    plan.head_delay_ms += delay_ms;
  } else {
    plan.body_delay_ms += delay_ms;
    plan.body_delay_at = rule.after_bytes;
  }
}

void apply_cut(const FaultConfig& rule, FaultPlan& plan) {
  if (rule.cut == FaultCut::kNone || plan.cut != FaultCut::kNone) return;
  plan.cut = rule.cut;
  plan.cut_in_body = rule.at == FaultPoint::kBody || rule.cut == FaultCut::kTruncate;
  plan.cut_at = rule.after_bytes;
  plan.note(rule.cut == FaultCut::kTruncate ? OriginFault::kTruncate
            : rule.cut == FaultCut::kReset  ? OriginFault::kReset
                                            : OriginFault::kHang);
}

void apply(const FaultConfig& rule, Dice& dice, FaultPlan& plan) {
  apply_delay(rule, dice, plan);
  apply_cut(rule, plan);
  if (rule.rate_bytes_per_s != 0) {
    const std::uint64_t slowest = plan.rate_bytes_per_s == 0 ? UINT64_MAX : plan.rate_bytes_per_s;
    plan.rate_bytes_per_s = std::min(slowest, rule.rate_bytes_per_s);
    plan.note(OriginFault::kRate);
  }
  if (rule.status != 0 && plan.status == 0) {
    plan.status = static_cast<int>(rule.status);
    plan.note(rule.probability < 1 ? OriginFault::kErrorRate : OriginFault::kStatus);
  }
  if (rule.up_ms > 0) plan.note(OriginFault::kFlap);
}

auto find_name(FaultSet& faults, std::string_view name) {
  return std::find_if(faults.begin(), faults.end(), [&](const auto& f) { return f->rule.name == name; });
}

void add(FaultSet& faults, const FaultConfig& rule, std::int64_t now_ms) {
  auto fault = std::make_shared<ActiveFault>(rule, now_ms);
  if (const auto old = find_name(faults, rule.name); old != faults.end())
    *old = std::move(fault);
  else
    faults.push_back(std::move(fault));
}

}  // namespace

std::uint64_t Dice::next() {
  std::uint64_t x = state_ += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

bool Dice::chance(double probability) { return static_cast<double>(next() >> 11) * 0x1p-53 < probability; }

std::int64_t Dice::up_to(std::int64_t limit) {
  return limit <= 0 ? 0 : static_cast<std::int64_t>(next() % (static_cast<std::uint64_t>(limit) + 1));
}

bool ActiveFault::take() {
  if (rule.count == 0) {
    hits.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  std::uint64_t taken = hits.load(std::memory_order_relaxed);
  while (taken < rule.count) {
    if (hits.compare_exchange_weak(taken, taken + 1, std::memory_order_relaxed)) return true;
  }
  return false;
}

bool ActiveFault::is_down(std::int64_t now_ms) const {
  const std::int64_t period_ms = rule.up_ms + rule.down_ms;
  if (period_ms == 0) return true;
  return std::max<std::int64_t>(now_ms - since_ms, 0) % period_ms >= rule.up_ms;
}

FaultPlan plan_faults(const FaultSet& faults, std::string_view method, std::string_view path,
                      std::int64_t now_ms, Dice& dice) {
  FaultPlan plan;
  for (const auto& fault : faults) {
    if (fault->is_down(now_ms) && is_aimed_at(fault->rule, method, path) &&
        dice.chance(fault->rule.probability) && fault->take()) {
      apply(fault->rule, dice, plan);
    }
  }
  return plan;
}

std::shared_ptr<const FaultSet> FaultTable::view() const {
  MutexLock lock(mutex_);
  return faults_;
}

Result<void> FaultTable::publish(FaultSet next) {
  if (next.size() > kMaxFaults) {
    return fail(ErrorCode::kTooLarge, ErrorSource::kOperator,
                "there would be " + std::to_string(next.size()) + " faults; allowed are " +
                    std::to_string(kMaxFaults));
  }
  faults_ = std::make_shared<FaultSet>(std::move(next));
  version_.fetch_add(1, std::memory_order_release);
  return {};
}

Result<void> FaultTable::set(const std::vector<FaultConfig>& faults, std::int64_t now_ms) {
  MutexLock lock(mutex_);
  FaultSet next = *faults_;
  for (const FaultConfig& rule : faults) add(next, rule, now_ms);
  return publish(std::move(next));
}

Result<void> FaultTable::replace_all(const std::vector<FaultConfig>& faults, std::int64_t now_ms) {
  MutexLock lock(mutex_);
  FaultSet next;
  for (const FaultConfig& rule : faults) add(next, rule, now_ms);
  return publish(std::move(next));
}

bool FaultTable::remove(std::string_view name) {
  MutexLock lock(mutex_);
  FaultSet next = *faults_;
  const auto found = find_name(next, name);
  if (found == next.end()) return false;
  next.erase(found);
  return publish(std::move(next)).has_value();
}

void FaultTable::clear() {
  MutexLock lock(mutex_);
  CHECK(publish({}).has_value());
}

const FaultSet& FaultView::faults() {
  // The version is read first: a change in between makes the next call read again, never keeps an old view.
  if (const std::uint64_t version = table_.version(); version != version_) {
    faults_ = table_.view();
    version_ = version;
  }
  return *faults_;
}

}  // namespace meridian::origin
