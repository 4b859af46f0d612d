#include "docs/generate/pages.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "config/edge_config.h"

namespace meridian::docs {
namespace {

const std::string kRoot = MERIDIAN_SOURCE_DIR;

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Pages, AreUpToDate) {
  for (const Page& page : all_pages()) {
    EXPECT_TRUE(content_of(kRoot + "/" + std::string(page.path)) == page.text)
        << page.path << " is out of date: run meridian-docs --write with the root of the repository";
  }
}

TEST(Pages, EveryParameterAndMetricIsThere) {
  const std::string configuration = configuration_page();
  for (std::string_view key : {"| `ram` |", "| `sites` |", "## `sites[].cache`", "| `eject_error_rate` |"}) {
    EXPECT_NE(configuration.find(key), std::string::npos) << key;
  }
  EXPECT_NE(configuration.find(
                "| `ram` | a size such as 4096, 16KiB, 256MiB or 8GiB, between 1MiB and 16TiB | `256MiB` |"),
            std::string::npos);
  EXPECT_NE(metrics_page().find("| `meridian_edge_requests_total` | counter | `result`, `status` |"),
            std::string::npos);
  EXPECT_NE(reasons_page().find("| `private` |"), std::string::npos);
}

TEST(Wrapped, BreaksBetweenWords) {
  EXPECT_EQ(wrapped("aa bb cc", "# ", 7), "# aa bb\n# cc\n");
  EXPECT_EQ(wrapped("averylongword b", "# ", 5), "# averylongword\n# b\n");
}

// Loads an example as it would be found beside the files that it names.
class ExamplesTest : public testing::Test {
 protected:
  ExamplesTest() {
    std::string pattern = testing::TempDir() + "/examples-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    for (const char* name : {"cert.pem", "key.pem", "origin-ca.pem", "client.pem", "client.key",
                             "admin.token", "edge-1.pem", "edge-1.key", "edges-ca.pem"}) {
      std::ofstream(folder_ + "/" + name) << "x\n";
    }
    std::filesystem::create_directory(folder_ + "/error-pages");
  }
  ~ExamplesTest() override { std::filesystem::remove_all(folder_); }
  Result<config::EdgeConfig> load(std::string_view text) {
    return config::load_edge_text(text, folder_ + "/edge.yaml");
  }

  std::string folder_;
};

TEST_F(ExamplesTest, AllAreTaken) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kRoot + "/config/examples")) {
    if (entry.path().extension() != ".yaml") continue;
    if (entry.path().filename().string().find("origin") != std::string::npos) continue;  // another program's
    const auto config = load(content_of(entry.path()));
    EXPECT_TRUE(config.has_value()) << entry.path() << "\n" << (config ? "" : config.error().context);
    ++count;
  }
  EXPECT_GE(count, 4);
}

TEST_F(ExamplesTest, FullExampleSaysTheDefaults) {
  const auto config = load(full_example());
  ASSERT_TRUE(config.has_value()) << config.error().context;
  const config::EdgeConfig defaults;
  const config::CachePolicyConfig policy;
  EXPECT_EQ(config->cache.ram_bytes, defaults.cache.ram_bytes);
  EXPECT_EQ(config->drain_timeout_ms, defaults.drain_timeout_ms);
  EXPECT_EQ(config->sites.at(0).cache.hit_for_miss_ms, policy.hit_for_miss_ms);
  EXPECT_EQ(config->sites[0].cache.set_cookie, policy.set_cookie);
  EXPECT_FALSE(config->listen.at(0).tls.has_value());
}

TEST_F(ExamplesTest, FullExampleIsTakenWithEveryCommentedKeyToo) {
  const std::regex commented("(^|\n)( *)# ( *(?:- )?[a-z_]+:(?= |\n))");
  std::string text = full_example();
  for (std::string before; before != text;) {
    before = text;
    text = std::regex_replace(text, commented, "$1$2$3");
  }
  const std::regex log_path("/var/log/meridian/access.log");
  text = std::regex_replace(text, log_path, folder_ + "/access.log");
  text = std::regex_replace(text, std::regex("/var/lib/meridian/cache"), folder_);
  const auto config = load(text);
  ASSERT_TRUE(config.has_value()) << config.error().context << "\n" << text;
  EXPECT_TRUE(config->listen.at(0).tls.has_value());
  EXPECT_EQ(config->sites.at(0).cache.default_ttl.size(), 2U);
  EXPECT_EQ(config->cache.memcached.value().servers.size(), 2U);
  EXPECT_EQ(config->peers.value().members.at(0).name, config->peers->self);
  EXPECT_EQ(config->sites.at(0).shield, config->regions.at(0).name);
}

}  // namespace
}  // namespace meridian::docs
