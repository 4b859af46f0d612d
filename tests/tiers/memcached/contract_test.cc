#include "edge/tiers/memcached/memcached_tier.h"
#include "tests/contract/tier_contract.h"
#include "tests/net/harness.h"
#include "tests/tiers/memcached/real_server.h"

namespace meridian {
namespace {

// A real memcached. Its budgets are long: what is tested is that it keeps its word, not how soon.
struct MemcachedHarness {
  static constexpr std::uint64_t kCapacity = 64ULL << 20U;

  test::RealServer server{{"-m", "64", "-I", "8m"}};
  std::unique_ptr<EventLoop> loop = test::make_loop();
  std::unique_ptr<Resolver> resolver = Resolver::create(*loop, {});
  std::unique_ptr<memcached::Fleet> fleet = memcached::Fleet::create({.servers = {server.address()},
                                                                      .max_object_bytes = kCapacity / 16,
                                                                      .get_budget_ms = 60'000,
                                                                      .timeout_ms = 60'000,
                                                                      .write_queue_bytes = kCapacity})
                                                .value();
  std::unique_ptr<MemcachedTier> owned = std::make_unique<MemcachedTier>(*loop, *resolver, *fleet);

  Tier& tier() { return *owned; }
  void settle() {
    const auto idle = [&] { return owned->idle(); };
    EXPECT_TRUE(test::drive(*loop, idle));
    owned->refresh();
    EXPECT_TRUE(test::drive(*loop, idle));
  }
  std::unique_ptr<Tier> release() { return std::move(owned); }
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memcached, TierContract, ::testing::Types<MemcachedHarness>);

}  // namespace
}  // namespace meridian
