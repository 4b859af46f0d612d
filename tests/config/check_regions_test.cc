#include <gtest/gtest.h>

#include "config/edge_config.h"
#include "config/values.h"

namespace meridian::config {
namespace {

constexpr std::string_view kListen = "listen: [ { address: 127.0.0.1:80 } ]\n";
constexpr std::string_view kSites = "sites: [ { hosts: [\"*\"], origins: [ { url: \"http://a\" } ] } ]\n";

// What is said of the file; "" when it is taken.
std::string refusal(std::string_view more, std::string_view sites = kSites) {
  const auto config = load_edge_text(std::string(kListen).append(more).append(sites), "edge.yaml");
  return config ? "" : config.error().context;
}
EdgeConfig loaded(std::string_view more, std::string_view sites = kSites) {
  const auto config = load_edge_text(std::string(kListen).append(more).append(sites), "edge.yaml");
  EXPECT_TRUE(config) << (config ? "" : config.error().context);
  return config ? *config : EdgeConfig{};
}

TEST(Values, Servers) {
  const auto parsed = [](std::string_view text) { return parse_member(Servers{}, text); };
  EXPECT_EQ(parsed("127.0.0.1:11211"), (WeightedServer{"127.0.0.1", 11211, 1}));
  EXPECT_EQ(parsed("Cache.Test:5/3"), (WeightedServer{"cache.test", 5, 3}));
  EXPECT_EQ(parsed("[::1]:5/1000"), (WeightedServer{"::1", 5, 1000}));
  for (std::string_view bad :
       {"", "host", "host:", ":11211", "host:0", "host:65536", "host:1/", "host:1/0", "host:1/1001",
        "host:1/x", "::1:5", "[::1]", "a b:5", "host:+5", "host:1/2/3", "/tmp/socket"}) {
    EXPECT_EQ(parsed(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(show(WeightedServer{"::1", 5, 2}), "[::1]:5");
}

TEST(CheckMemcached, IsOffUnlessItIsThere) {
  EXPECT_FALSE(loaded("").cache.memcached);
  const EdgeConfig config =
      loaded("cache: { memcached: { servers: [\"127.0.0.1:11211\", \"b:5/2\"], get_budget: 30ms } }\n");
  ASSERT_TRUE(config.cache.memcached);
  EXPECT_EQ(config.cache.memcached->servers[1], (WeightedServer{"b", 5, 2}));
  EXPECT_EQ(config.cache.memcached->get_budget_ms, 30);
  EXPECT_EQ(config.cache.memcached->max_object_bytes, 64 * kKiB);
}

TEST(CheckMemcached, Mistakes) {
  const auto said = [](std::string_view inner) {
    return refusal("cache: { memcached: { " + std::string(inner) + " } }\n");
  };
  EXPECT_EQ(
      said(""),
      "edge.yaml:2:21: cache.memcached.servers: found nothing, allowed: a list of servers, each host:port "
      "or host:port/weight (1 to 1000), such as [\"127.0.0.1:11211\"]");
  EXPECT_EQ(
      said("servers: [\"a:1\", \"A:1/2\"]"),
      "edge.yaml:2:40: cache.memcached.servers[1]: server \"a:1\" is taken by cache.memcached.servers[0]");
  EXPECT_EQ(said("servers: [\"a:1\"], max_object: 3MiB"),
            "edge.yaml:2:53: cache.memcached.max_object: is more than half of cache.memcached.write_queue");
  EXPECT_EQ(said("servers: [\"a:1\"], timeout: 10ms"),
            "edge.yaml:2:50: cache.memcached.timeout: is shorter than cache.memcached.get_budget");
}

constexpr std::string_view kPeers = R"(region: eu-west
peers:
  self: edge-1
  members:
    - { name: edge-1, address: "127.0.1.1:8080" }
    - { name: edge-2, address: "127.0.1.2:8080", weight: 3 }
)";
constexpr std::string_view kRegions = R"(regions:
  - name: us-east
    edges: [ { name: edge-7, address: "127.0.2.1:8080" } ]
)";
std::string shielded(std::string_view shield) {
  return "sites:\n  - hosts: [\"*\"]\n    origins: [ { url: \"http://a\" } ]\n    shield: " +
         std::string(shield) + "\n";
}

TEST(CheckRegions, AWholeFleet) {
  const EdgeConfig config = loaded(std::string(kPeers).append(kRegions), shielded("us-east"));
  EXPECT_EQ(config.region, "eu-west");
  ASSERT_TRUE(config.peers);
  EXPECT_EQ(config.peers->self, "edge-1");
  EXPECT_EQ(config.peers->members[1].weight, 3U);
  EXPECT_EQ(config.peers->members[1].address.to_string(), "127.0.1.2:8080");
  EXPECT_EQ(config.regions[0].edges[0].name, "edge-7");
  EXPECT_EQ(config.sites[0].shield, "us-east");
  // An edge of the shield itself need not list its own region.
  EXPECT_EQ(refusal(kPeers, shielded("eu-west")), "");
}

TEST(CheckRegions, SelfIsAMember) {
  EXPECT_EQ(refusal("peers: { self: edge-3, members: [ { name: edge-1, address: \"127.0.0.1:1\" } ] }\n"),
            "edge.yaml:2:16: peers.self: found \"edge-3\"; allowed: the name of one of peers.members");
}

TEST(CheckRegions, NamesAndAddressesAreUnique) {
  EXPECT_EQ(refusal("peers: { self: a, members: [ { name: a, address: \"127.0.0.1:1\" }, { name: a, address: "
                    "\"127.0.0.1:1\" } ] }\n"),
            "edge.yaml:2:75: peers.members[1].name: name \"a\" is taken by peers.members[0].name\n"
            "edge.yaml:2:87: peers.members[1].address: address \"127.0.0.1:1\" is taken by "
            "peers.members[0].address");
  EXPECT_EQ(refusal(std::string(kRegions) +
                    "  - name: us-east\n    edges: [ { name: edge-7, address: \"127.0.2.2:1\" } ]\n"),
            "edge.yaml:5:11: regions[1].name: name \"us-east\" is taken by regions[0].name\n"
            "edge.yaml:6:22: regions[1].edges[0].name: name \"edge-7\" is taken by regions[0].edges[0].name");
  EXPECT_EQ(refusal("peers: { self: a, members: [ { name: a, address: \":80\" } ] }\n"),
            "edge.yaml:2:50: peers.members[0].address: found \"0.0.0.0:80\", which nobody can connect to; "
            "allowed: a full "
            "address and port");
}

TEST(CheckRegions, AShieldIsAKnownRegion) {
  EXPECT_EQ(refusal(std::string(kPeers).append(kRegions), shielded("us-eats")),
            "edge.yaml:14:13: sites[0].shield: found \"us-eats\"; allowed: the name of one of regions (did "
            "you mean "
            "\"us-east\"?)");
  EXPECT_EQ(refusal(kRegions, shielded("us-east")),
            "edge.yaml:8:13: sites[0].shield: needs `region`: an edge has to know whether it is in the "
            "shield itself");
}

TEST(CheckRegions, TheOwnRegionIsTheSameInBothPlaces) {
  const std::string own =
      "  - name: eu-west\n    edges: [ { name: edge-1, address: \"127.0.1.1:8080\" }, { name: edge-2, "
      "address: \"127.0.1.2:8080\" } ]\n";
  EXPECT_EQ(refusal(std::string(kPeers).append(kRegions) + own),
            "edge.yaml:12:59: regions[1].edges[1]: is of this edge's own region, but peers.members has no "
            "such name and "
            "weight");
}

TEST(CheckRegions, CertificatesOfEdgesAreReadable) {
  EXPECT_NE(refusal("peers: { self: a, members: [ { name: a, address: \"127.0.0.1:1\" } ], tls: { "
                    "certificate: /none/c, key: "
                    "/none/k, ca: /none/a } }\n")
                .find("peers.tls.ca: cannot read \"/none/a\""),
            std::string::npos);
}

TEST(CheckRegions, EdgesWithCertificatesComeInByAListenerOfTheirOwn) {
  const std::string tls = " tls: { certificate: /dev/null, key: /dev/null, ca: /dev/null }";
  const auto said = [&](std::string_view address, const std::string& more) {
    return refusal("peers: { self: a, members: [ { name: a, address: \"" + std::string(address) + "\" } ]," +
                   more + " }\n");
  };
  constexpr std::string_view kTaken =
      "with peers.tls other edges come in at \"127.0.0.1:80\", which is listen[0]; allowed: an address of "
      "its "
      "own";
  EXPECT_NE(said("127.0.0.1:80", tls).find("peers.self: " + std::string(kTaken)), std::string::npos);
  EXPECT_NE(said("127.0.0.1:81", tls + ", listen: 127.0.0.1:80").find("peers.listen: " + std::string(kTaken)),
            std::string::npos);
  EXPECT_EQ(said("127.0.0.1:81", tls).find("come in at"), std::string::npos);
  EXPECT_EQ(said("127.0.0.1:80", tls + ", listen: 127.0.0.1:82").find("come in at"), std::string::npos);
  EXPECT_NE(said("127.0.0.1:80", " listen: 127.0.0.1:82").find("peers.listen: has no use without peers.tls"),
            std::string::npos);
}

}  // namespace
}  // namespace meridian::config
