#include "edge/peer_table.h"

#include <gtest/gtest.h>

namespace meridian::edge {
namespace {

constexpr std::string_view kSites = R"(listen: [ { address: 127.0.0.1:80 } ]
sites:
  - hosts: ["a.test"]
    shield: us-east
    origins: [ { url: "http://127.0.0.9" } ]
  - hosts: ["b.test"]
    shield: eu-west
    origins: [ { url: "http://127.0.0.9" } ]
  - hosts: ["*"]
    origins: [ { url: "http://127.0.0.9" } ]
region: eu-west
regions:
  - name: us-east
    edges: [ { name: edge-7, address: "127.0.2.1:80" }, { name: edge-8, address: "127.0.2.2:80" } ]
  - name: eu-west
    edges: [ { name: edge-1, address: "127.0.1.1:80" } ]
)";

config::EdgeConfig config_with(std::string_view peers) {
  auto config = config::load_edge_text(std::string(kSites).append(peers), "edge.yaml");
  EXPECT_TRUE(config) << (config ? "" : config.error().context);
  return *config;
}
constexpr std::string_view kPeers = R"(peers:
  self: edge-1
  members: [ { name: edge-1, address: "127.0.1.1:80" }, { name: edge-2, address: "127.0.1.2:80" } ]
)";

std::shared_ptr<const PeerTable> made(const config::EdgeConfig& config, const PeerTable* previous = nullptr) {
  auto table = PeerTable::make(config, previous);
  EXPECT_TRUE(table);
  return *table;
}

TEST(PeerTable, WithoutOtherEdgesThereIsNone) {
  auto config = config::load_edge_text(
      "listen: [ { address: 127.0.0.1:80 } ]\nsites: [ { hosts: [\"*\"], origins: [ { "
      "url: \"http://127.0.0.9\" } ] } ]\n",
      "edge.yaml");
  ASSERT_TRUE(config);
  EXPECT_EQ(made(*config), nullptr);
}

TEST(PeerTable, KnowsItselfAndTheOthers) {
  const config::EdgeConfig config = config_with(kPeers);
  const auto table = made(config);
  ASSERT_NE(table, nullptr);
  EXPECT_EQ(table->self(), "edge-1");
  EXPECT_EQ(table->edges().size(), 3U) << "edge-2, edge-7, edge-8";
  ASSERT_NE(table->own(), nullptr);
  EXPECT_EQ(table->own()->self, 0);
  EXPECT_EQ(table->own()->edges, (std::vector<std::uint16_t>{RegionRing::kSelf, 0}));
  ASSERT_NE(table->shield_of(config.sites[0]), nullptr);
  EXPECT_EQ(table->shield_of(config.sites[0])->edges, (std::vector<std::uint16_t>{1, 2}));
  EXPECT_EQ(table->shield_of(config.sites[1]), nullptr) << "this region is the shield";
  EXPECT_EQ(table->shield_of(config.sites[2]), nullptr) << "it has none";
}

TEST(PeerTable, ConnectsFromItsOwnAddress) {
  const auto table = made(config_with(kPeers));
  EXPECT_EQ(table->edges()[0].group->options().source.ip(), "127.0.1.1");
}

TEST(PeerTable, AReloadKeepsWhatIsKnownOfEdgesThatDidNotChange) {
  const auto before = made(config_with(kPeers));
  const auto same = made(config_with(kPeers), before.get());
  EXPECT_EQ(same->edges()[0].group, before->edges()[0].group);
  EXPECT_EQ(&same->counts(), &before->counts());
  const auto slower = made(config_with(std::string(kPeers) + "  first_byte_timeout: 3s\n"), before.get());
  EXPECT_NE(slower->edges()[0].group, before->edges()[0].group);
  EXPECT_EQ(slower->edges()[0].latency, before->edges()[0].latency);
}

TEST(PeerTable, AnEdgeWhoseBreakerIsOpenIsNotUsable) {
  const auto table = made(config_with(std::string(kPeers) + "  breaker_failures: 1\n  breaker_span: 0s\n"));
  EXPECT_TRUE(table->state_of(0, 1000).usable);
  table->edges()[0].group->record(0, Breaker::Pass::kNormal, upstream::Outcome::kFailed, 1000);
  EXPECT_FALSE(table->state_of(0, 1001).usable);
}

TEST(PeerTable, HedgesAfterWhatIsUsual) {
  const auto table = made(config_with(std::string(kPeers) + "  hedge_least: 30ms\n"));
  EXPECT_FALSE(table->hedge_after_ms(0)) << "nothing is known yet";
  for (int i = 0; i < 100; ++i) table->edges()[0].latency->add(1000);
  EXPECT_EQ(table->hedge_after_ms(0), 30);
  for (int i = 0; i < 100; ++i) table->edges()[0].latency->add(100'000);
  EXPECT_GE(table->hedge_after_ms(0), 100);
  const auto never = made(config_with(std::string(kPeers) + "  hedge_percentile: 0\n"), table.get());
  EXPECT_FALSE(never->hedge_after_ms(0));
}

}  // namespace
}  // namespace meridian::edge
