#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "origin/upstream/balance.h"
#include "origin/upstream/idle_pool.h"
#include "origin/upstream/read_blocks.h"
#include "origin/upstream/shared_group.h"

namespace meridian::upstream {

// A choice of target that the breaker has let through.
struct Choice {
  std::size_t target = 0;
  Breaker::Pass pass = Breaker::Pass::kNormal;
};

// What one worker has of a group: idle connections, and memory that its fetches use again. Held by the Group
// and by each running fetch, so that fetches outlive a group that was replaced. On one loop.
class GroupCore {
 public:
  GroupCore(EventLoop& loop, Resolver& resolver, std::shared_ptr<SharedGroup> shared);

  EventLoop& loop() { return loop_; }
  Resolver& resolver() { return resolver_; }
  SharedGroup& shared() { return *shared_; }
  const GroupOptions& options() const { return shared_->options(); }
  ReadBlocks& blocks() { return blocks_; }
  Random& random() { return random_; }

  // A target for a request, none of `tried` if another can be. Primary ones that are well, else backups that
  // are well, else whatever the breakers let through. Nullopt: nothing.
  std::optional<Choice> choose(std::uint64_t hash, const std::vector<std::size_t>& tried);

  std::unique_ptr<Connection> take_idle(std::size_t target) { return pools_[target]->take(); }
  // Keeps a connection whose response is complete, or closes it.
  void keep_idle(std::size_t target, std::unique_ptr<Connection> connection);
  // The group is gone: what is idle is closed, and what runs will be.
  void close();

  std::string take_head_memory();
  void give_head_memory(std::string memory);

 private:
  enum class Rank : std::uint8_t { kPrimary, kBackup };
  enum class Health : std::uint8_t { kWell, kBreakerOnly };
  void gather(Rank rank, Health health, const std::vector<std::size_t>& tried);
  void gather_best(const std::vector<std::size_t>& tried);

  EventLoop& loop_;
  Resolver& resolver_;
  const std::shared_ptr<SharedGroup> shared_;
  ReadBlocks blocks_;
  std::vector<std::unique_ptr<IdlePool>> pools_;  // by target
  std::unique_ptr<BalancePolicy> balance_;
  Random random_;
  std::vector<Candidate> candidates_;  // memory for choose()
  std::vector<std::string> head_memory_;
  bool closed_ = false;
};

}  // namespace meridian::upstream
