#include "origin/upstream/group_core.h"

#include <algorithm>

namespace meridian::upstream {
namespace {

// More spare strings than this, or larger ones, are not worth their memory.
constexpr std::size_t kHeadMemoryMax = 64;
constexpr std::size_t kHeadMemoryBytes = 16 * 1024;

}  // namespace

GroupCore::GroupCore(EventLoop& loop, Resolver& resolver, std::shared_ptr<SharedGroup> shared)
    : loop_(loop),
      resolver_(resolver),
      shared_(std::move(shared)),
      balance_(make_balance(shared_->options().balance)),
      random_(static_cast<std::uint64_t>(loop.clock().mono_ns()) ^ reinterpret_cast<std::uintptr_t>(this)) {
  for (std::size_t i = 0; i < shared_->size(); ++i) {
    pools_.push_back(std::make_unique<IdlePool>(options().idle_connections, options().idle_timeout_ms));
  }
}

void GroupCore::gather(Rank rank, Health health, const std::vector<std::size_t>& tried) {
  const std::int64_t now_ms = loop_.now_ms();
  for (std::size_t i = 0; i < shared_->size(); ++i) {
    SharedTarget& target = shared_->target(i);
    if (target.options().backup != (rank == Rank::kBackup)) continue;
    if (std::find(tried.begin(), tried.end(), i) != tried.end()) continue;
    if (health == Health::kWell ? !target.usable(now_ms) : !target.breaker().would_pass(now_ms)) continue;
    candidates_.push_back(
        {i, std::max(target.options().weight, 1U), target.slots().running(), target.seed()});
  }
}

void GroupCore::gather_best(const std::vector<std::size_t>& tried) {
  candidates_.clear();
  gather(Rank::kPrimary, Health::kWell, tried);
  if (candidates_.empty()) gather(Rank::kBackup, Health::kWell, tried);
  // Ejection is a guess from rates; when it leaves nobody, it must not be what refuses the request.
  if (candidates_.empty()) gather(Rank::kPrimary, Health::kBreakerOnly, tried);
  if (candidates_.empty()) gather(Rank::kBackup, Health::kBreakerOnly, tried);
}

std::optional<Choice> GroupCore::choose(std::uint64_t hash, const std::vector<std::size_t>& tried) {
  gather_best(tried);
  if (candidates_.empty() && !tried.empty()) gather_best({});
  while (!candidates_.empty()) {
    const std::size_t at = candidates_.size() == 1 ? 0 : balance_->pick(candidates_, hash, random_.next());
    const std::size_t index = candidates_[at].index;
    const Breaker::Pass pass = shared_->target(index).breaker().enter(loop_.now_ms());
    if (pass != Breaker::Pass::kRefused) return Choice{index, pass};
    // Another worker took the trial in between.
    candidates_.erase(candidates_.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return std::nullopt;
}

void GroupCore::keep_idle(std::size_t target, std::unique_ptr<Connection> connection) {
  if (!closed_) pools_[target]->put(std::move(connection));
}

void GroupCore::close() {
  closed_ = true;
  for (auto& pool : pools_) pool->clear();
}

std::string GroupCore::take_head_memory() {
  if (head_memory_.empty()) return {};
  std::string memory = std::move(head_memory_.back());
  head_memory_.pop_back();
  return memory;
}

void GroupCore::give_head_memory(std::string memory) {
  if (head_memory_.size() < kHeadMemoryMax && memory.capacity() <= kHeadMemoryBytes) {
    head_memory_.push_back(std::move(memory));
  }
}

}  // namespace meridian::upstream
