#include "edge/tiers/memcached/placement.h"

#include <gtest/gtest.h>

#include <map>

#include "edge/tiers/memcached/value.h"

namespace meridian::memcached {
namespace {

std::unique_ptr<Placement> placement_of(std::vector<ServerAddress> servers) {
  return Placement::create(servers).value();
}
std::vector<ServerAddress> servers(unsigned count) {
  std::vector<ServerAddress> all;
  for (unsigned i = 0; i < count; ++i) all.push_back({.host = "10.0.0." + std::to_string(i + 1)});
  return all;
}
std::string key_of(int i) { return std::string(WireKey("http://a.test/" + std::to_string(i)).view()); }
constexpr int kKeys = 20'000;

TEST(MemcachedPlacement, SharesFollowTheWeights) {
  auto list = servers(3);
  list[1].weight = 2;
  list[2].weight = 3;
  const auto placement = placement_of(list);
  std::map<std::size_t, int> counts;
  for (int i = 0; i < kKeys; ++i) ++counts[placement->server_of(key_of(i))];
  for (std::size_t i = 0; i < 3; ++i) {
    const double share = static_cast<double>(counts[i]) / kKeys;
    EXPECT_NEAR(share, static_cast<double>(list[i].weight) / 6, 0.05) << i;
  }
}

TEST(MemcachedPlacement, OneMoreServerMovesItsShareOnly) {
  const auto ten = placement_of(servers(10));
  const auto eleven = placement_of(servers(11));
  int moved = 0;
  for (int i = 0; i < kKeys; ++i) {
    const std::size_t before = ten->server_of(key_of(i));
    const std::size_t after = eleven->server_of(key_of(i));
    EXPECT_TRUE(after == before || after == 10U);
    moved += after == before ? 0 : 1;
  }
  EXPECT_LT(moved, kKeys * 13 / 110);
  EXPECT_GT(moved, kKeys * 7 / 110);
}

// Every edge, and every version of it, finds a key at the same server.
TEST(MemcachedPlacement, IsTheSameEverywhere) {
  const auto placement = placement_of(servers(5));
  std::string found;
  for (int i = 0; i < 40; ++i) found += static_cast<char>('0' + placement->server_of(key_of(i)));
  EXPECT_EQ(found, "2410010311144210241003233112343442132210");
}

TEST(MemcachedPlacement, NamesAndRefusals) {
  EXPECT_EQ((ServerAddress{.host = "::1", .port = 5}).name(), "[::1]:5");
  EXPECT_EQ((ServerAddress{.host = "cache.test"}).name(), "cache.test:11211");
  EXPECT_FALSE(Placement::create({}));
}

}  // namespace
}  // namespace meridian::memcached
