#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "edge/tiers/memcached/memcached_tier.h"
#include "tests/contract/tier_objects.h"
#include "tests/net/harness.h"
#include "tests/tiers/memcached/real_server.h"

// Several workers over one fleet, for the thread sanitizer: they share placement, breakers and counts, and
// nothing else.
namespace meridian {
namespace {

constexpr int kWorkers = 3;
constexpr int kRounds = 300;

// What one worker does: writes its own keys, reads everybody's, and removes some.
void work(memcached::Fleet& fleet, int worker, std::uint64_t& wrong) {
  const auto loop = test::make_loop();
  const auto resolver = Resolver::create(*loop, {});
  MemcachedTier tier(*loop, *resolver, fleet);
  for (int i = 0; i < kRounds; ++i) {
    const std::string mine = "key " + std::to_string(worker) + " " + std::to_string(i % 20);
    tier.put(test::object_of(mine, static_cast<std::uint64_t>(i + 1), 100));
    const std::string other = "key " + std::to_string(i % kWorkers) + " " + std::to_string(i % 20);
    tier.get(other, [&wrong, other](Ref<const Object> object) {
      wrong += object && !test::is_whole(*object, other) ? 1U : 0U;
    });
    if (i % 7 == 0) tier.remove(mine);
    if (i % 50 == 0) tier.refresh();
    loop->run_once();
  }
  EXPECT_TRUE(test::drive(*loop, [&] { return tier.idle(); }));
}

TEST(MemcachedThreads, WorkersShareAFleet) {
  test::RealServer first, second;
  const auto fleet =
      memcached::Fleet::create(
          {.servers = {first.address(), second.address()}, .get_budget_ms = 60'000, .timeout_ms = 60'000})
          .value();
  std::vector<std::uint64_t> wrong(kWorkers, 0);
  std::vector<std::thread> workers;
  for (int i = 0; i < kWorkers; ++i) {
    workers.emplace_back([&, i] { work(*fleet, i, wrong[static_cast<std::size_t>(i)]); });
  }
  for (std::thread& worker : workers) worker.join();
  for (const std::uint64_t count : wrong) EXPECT_EQ(count, 0U);
  EXPECT_EQ(fleet->stats().inserts, std::uint64_t{kWorkers} * kRounds);
  EXPECT_EQ(fleet->server(0).waiting + fleet->server(1).waiting, 0U);
}

}  // namespace
}  // namespace meridian
