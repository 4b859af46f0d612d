#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "config/edge_config.h"

namespace meridian::config {
namespace {

class CheckSsd : public testing::Test {
 protected:
  CheckSsd() {
    std::string pattern = testing::TempDir() + "/check-ssd-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    std::filesystem::create_directory(folder_ + "/cache");
    std::ofstream(folder_ + "/keys") << "1 " << std::string(64, 'a') << "\n";
  }
  ~CheckSsd() override { std::filesystem::remove_all(folder_); }

  Result<EdgeConfig> load(const std::string& ssd) const {
    return load_edge_text("listen: [ { address: 127.0.0.1:80 } ]\ncache: { ssd: { " + ssd +
                              " } }\nsites: [ { hosts: [\"*\"], origins: [ { url: \"http://a\" } ] } ]\n",
                          folder_ + "/edge.yaml");
  }
  // What is said of it, after the place; "" when it is taken.
  std::string refusal(const std::string& ssd) const {
    const auto config = load(ssd);
    if (config) return "";
    const std::string& said = config.error().context;
    return said.substr(said.find("cache.ssd"));
  }
  std::string folder_;
};

TEST_F(CheckSsd, TakesWhatIsRight) {
  const auto config = load(
      "path: cache, size: 100GiB, chunk: 128KiB, key_file: keys, io: threads, write_budget: 1TiB, admission: "
      "all");
  ASSERT_TRUE(config) << config.error().context;
  ASSERT_TRUE(config->cache.ssd);
  EXPECT_EQ(config->cache.ssd->path, folder_ + "/cache");
  EXPECT_EQ(config->cache.ssd->size_bytes, 100 * kGiB);
  EXPECT_EQ(config->cache.ssd->chunk_bytes, 128 * kKiB);
  EXPECT_EQ(config->cache.ssd->io, SsdIoKind::kThreads);
  EXPECT_EQ(config->cache.ssd->admission, SsdAdmission::kAll);
}

TEST_F(CheckSsd, Mistakes) {
  EXPECT_NE(refusal("size: 1GiB").find("cache.ssd.path: found nothing"), std::string::npos);
  EXPECT_NE(refusal("path: cache, size: 1MiB").find("between 64MiB and 16TiB"), std::string::npos);
  EXPECT_NE(refusal("path: cache, size: 1GiB, chunk: 2MiB").find("between 16KiB and 1MiB"),
            std::string::npos);
  EXPECT_NE(refusal("path: nowhere, size: 1GiB").find("cache.ssd.path: cannot read"), std::string::npos);
  EXPECT_NE(refusal("path: keys, size: 1GiB").find("is not a folder"), std::string::npos);
  EXPECT_NE(refusal("path: cache, size: 1GiB, key_file: none").find("cache.ssd.key_file: cannot read"),
            std::string::npos);
  EXPECT_EQ(refusal("path: cache, size: 1GiB, chunk: 70000"), "cache.ssd.chunk: is not a multiple of 4KiB");
}

}  // namespace
}  // namespace meridian::config
