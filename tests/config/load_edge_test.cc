#include <gtest/gtest.h>

#include "config/edge_config.h"

namespace meridian::config {
namespace {

constexpr std::string_view kMinimal = R"(listen:
  - address: 127.0.0.1:8080
sites:
  - hosts: ["*"]
    origins: [ { url: "http://127.0.0.1:3000" } ]
)";

EdgeConfig loaded(std::string_view text) {
  auto config = load_edge_text(text, "edge.yaml");
  EXPECT_TRUE(config.has_value()) << (config ? "" : config.error().context);
  return config ? *config : EdgeConfig{};
}

// What is said of a wrong file; "" when it is taken.
std::string refusal(std::string_view text) {
  auto config = load_edge_text(text, "edge.yaml");
  if (config) return "";
  EXPECT_EQ(config.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(config.error().source, ErrorSource::kOperator);
  return config.error().context;
}

std::string with(std::string_view more) { return std::string(kMinimal) + std::string(more); }

TEST(LoadEdge, MinimalFileHasTheDefaults) {
  const EdgeConfig config = loaded(kMinimal);
  ASSERT_EQ(config.listen.size(), 1U);
  EXPECT_EQ(config.listen[0].address.to_string(), "127.0.0.1:8080");
  EXPECT_FALSE(config.listen[0].tls.has_value());
  EXPECT_FALSE(config.admin.address.valid());
  EXPECT_EQ(config.workers, 0U);
  EXPECT_EQ(config.cache.ram_bytes, 256 * kMiB);
  ASSERT_EQ(config.sites.size(), 1U);
  EXPECT_EQ(config.sites[0].name, "*");
  EXPECT_EQ(config.sites[0].hosts[0].kind, HostPattern::Kind::kAny);
  EXPECT_EQ(config.sites[0].origins[0].url, "http://127.0.0.1:3000");
  EXPECT_EQ(config.sites[0].cache.set_cookie, http::SetCookiePolicy::kExplicit);
  EXPECT_EQ(config.source, "edge.yaml");
}

TEST(LoadEdge, VersionChangesWithTheText) {
  const std::string version = loaded(kMinimal).version;
  EXPECT_EQ(version.size(), 16U);
  EXPECT_EQ(version, loaded(kMinimal).version);
  EXPECT_NE(version, loaded(with("# changed\n")).version);
}

TEST(LoadEdge, ReadsEveryKindOfValue) {
  const EdgeConfig config = loaded(R"(
name: edge-1
listen:
  - { address: "[::1]:8443", backlog: 10, trusted_proxies: [10.0.0.0/8, "2001:db8::/32"] }
workers: 2
cache: { ram: 1GiB, max_object_share: 0.25 }
limits: { header_timeout: 500ms, idle_timeout: 2m, body: 10MiB, requests_per_connection: 1000 }
access_log: { path: "-", format: combined, buffer: 64KiB }
drain_timeout: 0
sites:
  - name: shop
    hosts: [WWW.Example.Test, "*.shop.test", "shop.test."]
    origins:
      - { url: "HTTPS://App.Example.Test:8443/Base", weight: 3 }
      - { url: "http://[::1]:3000", backup: true }
    upstream: { balance: consistent-hash, retry_budget: 0.5, tls: { verify: off } }
    host_header: origin
    upgrade: no
    methods: [GET, HEAD]
    cache:
      default_ttl: { 404: 10s, 301: 1h }
      query: sort
      query_drop: ["utm_*", gclid]
      set_cookie: strip
      honour_client: off
      cache_status: key
      stale_if_error: 1d
    forwarding: { request_id: "", forwarded: on }
)");
  EXPECT_EQ(config.name, "edge-1");
  EXPECT_EQ(config.listen[0].address.to_string(), "[::1]:8443");
  ASSERT_EQ(config.listen[0].trusted_proxies.size(), 2U);
  EXPECT_TRUE(config.listen[0].trusted_proxies[0].contains(SocketAddress::parse("10.1.2.3:4").value()));
  EXPECT_EQ(config.cache.ram_bytes, kGiB);
  EXPECT_DOUBLE_EQ(config.cache.max_object_share, 0.25);
  EXPECT_EQ(config.limits.header_timeout_ms, 500);
  EXPECT_EQ(config.limits.idle_timeout_ms, 120'000);
  EXPECT_EQ(config.access_log.format, LogFormat::kCombined);
  EXPECT_EQ(config.drain_timeout_ms, 0);
  const SiteConfig& site = config.sites.at(0);
  EXPECT_EQ(site.hosts[0], (HostPattern{HostPattern::Kind::kExact, "www.example.test"}));
  EXPECT_EQ(site.hosts[1], (HostPattern{HostPattern::Kind::kWildcard, "shop.test"}));
  EXPECT_EQ(site.hosts[2], (HostPattern{HostPattern::Kind::kExact, "shop.test"}));
  EXPECT_EQ(site.origins[0].url, "https://app.example.test:8443/Base");
  EXPECT_EQ(site.origins[0].weight, 3U);
  EXPECT_TRUE(site.origins[1].backup);
  EXPECT_EQ(site.upstream.balance, Balance::kConsistentHash);
  EXPECT_FALSE(site.upstream.tls.verify);
  EXPECT_EQ(site.host_header, HostHeader::kOrigin);
  EXPECT_FALSE(site.upgrade);
  EXPECT_EQ(site.methods, (std::vector<std::string>{"GET", "HEAD"}));
  EXPECT_EQ(site.cache.default_ttl, (std::vector<StatusTtl>{{404, 10}, {301, 3600}}));
  EXPECT_EQ(site.cache.query, QueryPolicy::kSort);
  EXPECT_EQ(site.cache.query_drop, (std::vector<std::string>{"utm_*", "gclid"}));
  EXPECT_EQ(site.cache.set_cookie, http::SetCookiePolicy::kStrip);
  EXPECT_FALSE(site.cache.honour_client);
  EXPECT_EQ(site.cache.cache_status, CacheStatusMode::kKey);
  EXPECT_EQ(site.cache.stale_if_error_s, 86'400U);
  EXPECT_EQ(site.forwarding.request_id_header, "");
  EXPECT_TRUE(site.forwarding.forwarded);
}

TEST(LoadEdge, LimitsBecomeThoseOfTheServer) {
  const http::ServerLimits to =
      server_limits(loaded(with("limits: { header_count: 7, write_timeout: 3s }\n")).limits);
  EXPECT_EQ(to.header_count, 7U);
  EXPECT_EQ(to.write_timeout_ms, 3000);
  const http::ServerLimits plain, from_defaults = server_limits(LimitsConfig{});
  EXPECT_EQ(plain.request_line_bytes, from_defaults.request_line_bytes);
  EXPECT_EQ(plain.header_bytes, from_defaults.header_bytes);
  EXPECT_EQ(plain.idle_timeout_ms, from_defaults.idle_timeout_ms);
}

TEST(LoadEdge, SaysWhatWasFoundAndWhatIsAllowed) {
  EXPECT_EQ(refusal(with("cache: { ram: lots }\n")),
            "edge.yaml:6:15: cache.ram: found \"lots\", allowed: a size such as 4096, 16KiB, 256MiB or 8GiB, "
            "between "
            "1MiB and 16TiB");
  EXPECT_EQ(refusal(with("workers: 5000\n")),
            "edge.yaml:6:10: workers: found \"5000\", allowed: a whole number, between 0 and 1024");
  EXPECT_EQ(refusal(with("access_log: { format: xml }\n")),
            "edge.yaml:6:23: access_log.format: found \"xml\", allowed: json | combined");
  EXPECT_EQ(refusal(with("limits: 5\n")),
            "edge.yaml:6:9: limits: found \"5\", allowed: a mapping (key: value)");
  EXPECT_EQ(refusal(with("drain_timeout: [1]\n")),
            "edge.yaml:6:16: drain_timeout: found a list of 1, allowed: a duration such as 500ms, 30s, 5m, "
            "2h or 1d, "
            "between 0 and 1h");
  EXPECT_EQ(refusal(with("workers:\n")),
            "edge.yaml:6:1: workers: found nothing, allowed: a whole number, between 0 and 1024");
}

TEST(LoadEdge, AnUnknownKeyIsRefusedWithTheNearestKnownOne) {
  EXPECT_EQ(refusal(with("cahce: {}\n")), "edge.yaml:6:1: unknown key \"cahce\"; did you mean \"cache\"?");
  EXPECT_EQ(refusal(with("cache: { rma: 1MiB }\n")),
            "edge.yaml:6:10: cache: unknown key \"rma\"; did you mean \"ram\"?");
  EXPECT_EQ(refusal(with("cache: { compression: 1 }\n")),
            "edge.yaml:6:10: cache: unknown key \"compression\"; known here: ram fills max_object_share "
            "miss_ratio_share memcached ssd");
}

TEST(LoadEdge, ReportsEveryMistakeInTheOrderOfTheFile) {
  const std::string said = refusal(R"(listen:
  - address: nowhere
    tsl: {}
workers: -1
sites:
  - hosts: ["bad host", "a:80"]
    origins: [ { url: "ftp://x" } ]
)");
  std::vector<std::string> starts;
  for (std::size_t at = 0; at != std::string::npos && at < said.size();) {
    const std::size_t end = said.find('\n', at);
    const std::string line = said.substr(at, end - at);
    starts.push_back(line.substr(0, line.find(", allowed")));
    at = end == std::string::npos ? end : end + 1;
  }
  EXPECT_EQ(starts, (std::vector<std::string>{
                        "edge.yaml:2:14: listen[0].address: found \"nowhere\"",
                        "edge.yaml:3:5: listen[0]: unknown key \"tsl\"; did you mean \"tls\"?",
                        "edge.yaml:4:10: workers: found \"-1\"",
                        "edge.yaml:6:13: sites[0].hosts[0]: found \"bad host\"",
                        "edge.yaml:6:25: sites[0].hosts[1]: found \"a:80\"",
                        "edge.yaml:7:23: sites[0].origins[0].url: found \"ftp://x\"",
                    }));
}

TEST(LoadEdge, ManyMistakesAreCounted) {
  std::string text = "sites:\n";
  for (int i = 0; i < 70; ++i) text += "  - { host: x }\n";
  const std::string said = refusal(text);
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 50);
  EXPECT_NE(said.find("\nand "), std::string::npos);
}

TEST(LoadEdge, WhatMustBeThereIsAskedFor) {
  EXPECT_EQ(refusal("workers: 1\n"),
            "edge.yaml:1:1: listen: found nothing, allowed: a list of 1 to 64 mappings\n"
            "edge.yaml:1:1: sites: found nothing, allowed: a list of 1 to 10000 mappings");
  const std::string said = refusal("listen: [ {} ]\nsites: [ { hosts: [], origins: [] } ]\n");
  EXPECT_NE(said.find("edge.yaml:1:11: listen[0].address: found nothing, allowed: an address"),
            std::string::npos);
  EXPECT_NE(said.find("sites[0].hosts: found a list of 0, allowed: a list of hosts"), std::string::npos);
  EXPECT_NE(said.find("sites[0].origins: found a list of 0, allowed: a list of 1 to 256 mappings"),
            std::string::npos);
}

TEST(LoadEdge, DuplicateKeysAreRefused) {
  EXPECT_EQ(refusal(with("workers: 1\nworkers: 2\n")),
            "edge.yaml:7:1: workers: the key is there twice, first in line 6");
  EXPECT_NE(refusal(with("cache: { ram: 1MiB, ram: 2MiB }\n")).find("cache.ram: the key is there twice"),
            std::string::npos);
}

TEST(LoadEdge, WhatIsNoYamlIsRefusedWithItsPlace) {
  EXPECT_EQ(refusal(with("cache: { ram: 1MiB\n")).substr(0, 26), "edge.yaml:7:1: not YAML: e");
  EXPECT_EQ(refusal("\tlisten: x\n").substr(0, 24), "edge.yaml:1:8: not YAML:");
  EXPECT_EQ(refusal(""), "edge.yaml: found nothing, allowed: a mapping (key: value)");
  EXPECT_EQ(refusal("- a\n"), "edge.yaml: found a list of 1, allowed: a mapping (key: value)");
  EXPECT_NE(refusal(with("---\nworkers: 1\n")).find("a second document begins here"), std::string::npos);
  // yaml-cpp finds documents without end in these.
  EXPECT_EQ(refusal(", a: b\n"), "edge.yaml: found nothing, allowed: a mapping (key: value)");
  EXPECT_NE(refusal(with(", a\n")), "");
}

TEST(LoadEdge, AliasesCannotBlowAFileUp) {
  std::string text = "sites: &s\n  - { hosts: &h [";
  for (int i = 0; i < 9000; ++i) text += "h" + std::to_string(i) + ".test,";
  text += "], origins: [ { url: \"http://a\" } ] }\n";
  for (int i = 0; i < 40; ++i) text += "  - { hosts: *h, origins: [ { url: \"http://a\" } ] }\n";
  EXPECT_NE(refusal("listen: [ { address: \":80\" } ]\n" + text).find("too many values"), std::string::npos);
}

TEST(LoadEdge, AMissingFileIsNamed) {
  const auto config = load_edge("/nonexistent/edge.yaml");
  ASSERT_FALSE(config.has_value());
  EXPECT_EQ(config.error().code, ErrorCode::kIo);
  EXPECT_NE(config.error().context.find("/nonexistent/edge.yaml"), std::string::npos);
}

TEST(EdgeFromFlags, OneLineIsEnough) {
  const auto config = edge_from_flags("127.0.0.1:8080", "http://127.0.0.1:3000");
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->listen.at(0).address.port(), 8080);
  EXPECT_EQ(config->sites.at(0).origins.at(0).url, "http://127.0.0.1:3000");
  EXPECT_EQ(config->sites[0].hosts.at(0).kind, HostPattern::Kind::kAny);
  EXPECT_EQ(config->source, "flags");
}

TEST(EdgeFromFlags, BothAreChecked) {
  const auto config = edge_from_flags("8080", "127.0.0.1:3000");
  ASSERT_FALSE(config.has_value());
  EXPECT_NE(config.error().context.find("flags: --listen: found \"8080\", allowed: an address"),
            std::string::npos);
  EXPECT_NE(config.error().context.find("flags: --origin: found \"127.0.0.1:3000\", allowed: a url"),
            std::string::npos);
}

}  // namespace
}  // namespace meridian::config
