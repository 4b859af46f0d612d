#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "config/edge_config.h"

// What no single value shows to be wrong.
namespace meridian::config {
namespace {

class CheckTest : public testing::Test {
 protected:
  CheckTest() {
    std::string pattern = testing::TempDir() + "/config-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~CheckTest() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, std::string_view text) { std::ofstream(folder_ + "/" + name) << text; }

  // What is said of the file, without the folder; "" when it is taken.
  std::string refusal(std::string_view text) {
    auto config = load_edge_text(text, folder_ + "/edge.yaml");
    if (config) return "";
    std::string said = config.error().context;
    for (std::size_t at; (at = said.find(folder_ + "/")) != std::string::npos;)
      said.erase(at, folder_.size() + 1);
    return said;
  }

  static std::string site(std::string_view rest) {
    return "listen: [ { address: 127.0.0.1:80 } ]\nsites:\n  - " + std::string(rest) + "\n";
  }
  static constexpr std::string_view kSites =
      "sites: [ { hosts: [\"*\"], origins: [ { url: \"http://a\" } ] } ]\n";

  std::string folder_;
};

TEST_F(CheckTest, TwoSitesWithOneHost) {
  EXPECT_EQ(refusal(R"(listen: [ { address: ":80" } ]
sites:
  - { hosts: [a.test, "*"], origins: [ { url: "http://a" } ] }
  - { hosts: [b.test, A.test], origins: [ { url: "http://b" } ] }
)"),
            "edge.yaml:4:23: sites[1].hosts[1]: host \"a.test\" is taken by sites[0].hosts[0]");
}

TEST_F(CheckTest, TwoSitesWithOneName) {
  EXPECT_EQ(refusal(R"(listen: [ { address: ":80" } ]
sites:
  - { name: b.test, hosts: [a.test], origins: [ { url: "http://a" } ] }
  - { hosts: [b.test], origins: [ { url: "http://b" } ] }
)"),
            "edge.yaml:4:5: sites[1].name: name \"b.test\" is taken by sites[0].name");
}

TEST_F(CheckTest, ListenersThatCollide) {
  const std::string sites(kSites);
  EXPECT_EQ(refusal("listen: [ { address: 127.0.0.1:80 }, { address: 127.0.0.1:80 } ]\n" + sites),
            "edge.yaml:1:49: listen[1].address: address \"127.0.0.1:80\" is taken by listen[0].address");
  EXPECT_EQ(refusal("listen: [ { address: 127.0.0.1:80 } ]\nadmin: { address: 127.0.0.1:80 }\n" + sites),
            "edge.yaml:2:19: admin.address: address \"127.0.0.1:80\" is taken by listen[0].address");
  EXPECT_EQ(refusal("listen: [ { address: 127.0.0.1:0 }, { address: 127.0.0.1:0 } ]\n" + sites), "");
}

TEST_F(CheckTest, TlsFilesMustBeReadable) {
  write("cert.pem", "x");
  std::filesystem::create_directory(folder_ + "/key.pem");
  const std::string sites(kSites);
  EXPECT_EQ(
      refusal("listen: [ { address: \":443\", tls: { certificate: cert.pem, key: key.pem } } ]\n" + sites),
      "edge.yaml:1:65: listen[0].tls.key: \"key.pem\" is not a file");
  EXPECT_EQ(
      refusal("listen: [ { address: \":443\", tls: { certificate: none.pem, key: cert.pem } } ]\n" + sites),
      "edge.yaml:1:50: listen[0].tls.certificate: cannot read \"none.pem\": No such file or directory");
  EXPECT_EQ(
      refusal("listen: [ { address: \":443\", tls: { certificate: cert.pem, key: cert.pem } } ]\n" + sites),
      "");
  EXPECT_NE(refusal("listen: [ { address: \":443\", tls: {} } ]\n" + sites)
                .find("listen[0].tls.key: found nothing"),
            std::string::npos);
}

TEST_F(CheckTest, RelativePathsComeOutResolved) {
  write("cert.pem", "x");
  const auto config =
      load_edge_text("listen: [ { address: \":443\", tls: { certificate: cert.pem, key: cert.pem } } ]\n" +
                         std::string(kSites),
                     folder_ + "/edge.yaml");
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->listen[0].tls->certificate, folder_ + "/cert.pem");
}

TEST_F(CheckTest, AdminTokens) {
  const std::string listen = "listen: [ { address: 127.0.0.1:80 } ]\n" + std::string(kSites);
  write("token", "secret\n");
  write("empty", "");
  EXPECT_EQ(refusal(listen + "admin: { address: 127.0.0.1:81, token_file: token }\n"), "");
  EXPECT_EQ(refusal(listen + "admin: { token_file: token }\n"),
            "edge.yaml:3:22: admin.token_file: has no use without admin.address");
  EXPECT_EQ(refusal(listen + "admin: { address: 127.0.0.1:81, token_file: empty }\n"),
            "edge.yaml:3:45: admin.token_file: the file has no token in its first line");
}

TEST_F(CheckTest, Origins) {
  EXPECT_EQ(refusal(site("{ hosts: [a], origins: [ { url: \"http://a\", backup: true } ] }")),
            "edge.yaml:3:28: sites[0].origins: all are backups; allowed: at least one that is not");
  EXPECT_EQ(
      refusal(site("{ hosts: [a], origins: [ { url: \"http://a\" }, { url: \"HTTP://A\" } ] }")),
      "edge.yaml:3:58: sites[0].origins[1].url: origin \"http://a\" is taken by sites[0].origins[0].url");
  EXPECT_EQ(refusal(site("{ hosts: [a], origins: [ { url: \"http://127.0.0.1:80/x\" } ] }")),
            "edge.yaml:3:37: sites[0].origins[0].url: is this edge's own listener: every request would come "
            "back to it");
}

TEST_F(CheckTest, ClientCertificatesComeInPairs) {
  write("cert.pem", "x");
  EXPECT_EQ(refusal(site("{ hosts: [a], origins: [ { url: \"https://a\" } ], "
                         "upstream: { tls: { certificate: cert.pem } } }")),
            "edge.yaml:3:71: sites[0].upstream.tls: certificate and key are allowed only together");
}

TEST_F(CheckTest, MethodsThatAreAlwaysRefused) {
  EXPECT_EQ(refusal(site("{ hosts: [a], origins: [ { url: \"http://a\" } ], methods: [GET, TRACE] }")),
            "edge.yaml:3:68: sites[0].methods[1]: found TRACE, which is always refused");
}

TEST_F(CheckTest, BodyLimitOfASite) {
  const std::string site_of = "{ hosts: [\"*\"], origins: [ { url: \"http://a\" } ], body_limit: ";
  EXPECT_EQ(refusal(site(site_of + "2MiB }")), "");
  EXPECT_EQ(refusal(site(site_of + "1MiB }") + "limits: { body: 1MiB }\n"), "");
  const std::string said = refusal(site(site_of + "2MiB }") + "limits: { body: 1MiB }\n");
  EXPECT_NE(said.find("sites[0].body_limit: is larger than limits.body"), std::string::npos) << said;
}

TEST_F(CheckTest, FoldersMustBeThere) {
  EXPECT_EQ(
      refusal(site("{ hosts: [a], origins: [ { url: \"http://a\" } ], error_pages: { directory: pages } }")),
      "edge.yaml:3:79: sites[0].error_pages.directory: cannot read \"pages\": No such file or directory");
  EXPECT_EQ(refusal(site("{ hosts: [a], origins: [ { url: \"http://a\" } ] }") +
                    "access_log: { path: /nonexistent/log/access.log }\n"),
            "edge.yaml:4:21: access_log.path: cannot read \"/nonexistent/log\": No such file or directory");
}

TEST_F(CheckTest, ResolverTimes) {
  EXPECT_EQ(refusal(site("{ hosts: [a], origins: [ { url: \"http://a\" } ] }") +
                    "resolver: { min_ttl: 10s, max_ttl: 5s }\n"),
            "edge.yaml:4:22: resolver.min_ttl: is longer than resolver.max_ttl");
}

}  // namespace
}  // namespace meridian::config
