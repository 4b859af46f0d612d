#include "edge/ssd_keeper.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include "tests/ssd/harness.h"

namespace meridian::edge {
namespace {

class SsdKeeping : public ::testing::Test {
 protected:
  SsdKeeping() {
    config_.path = folder_.path();
    config_.size_bytes = 16 * test::kMiB;
  }
  std::unique_ptr<SsdKeeper> keep() {
    auto keeper = std::make_unique<SsdKeeper>(*loop_, cold_, config_, [this] { ++opened_; });
    keeper->tell([this](const std::string& what) { said_.push_back(what); });
    return keeper;
  }
  template <class Done>
  void run_until(const Done& done) {
    while (!done()) loop_->run_once();
  }
  // As a predecessor would have it.
  int take_file() {
    const int fd = ::open(folder_.file().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    EXPECT_EQ(::flock(fd, LOCK_EX | LOCK_NB), 0);
    return fd;
  }
  test::Folder folder_;
  config::SsdConfig config_;
  std::unique_ptr<EventLoop> loop_ = EventLoop::create().value();
  ColdTiers cold_;
  int opened_ = 0;
  std::vector<std::string> said_;
};

TEST_F(SsdKeeping, OpensItWithoutHoldingUpAnybody) {
  const auto keeper = keep();
  EXPECT_EQ(keeper->state(), "recovering");
  EXPECT_TRUE(keeper->is_recovering());
  EXPECT_EQ(cold_.ssd(), nullptr);
  run_until([&] { return opened_ == 1; });
  EXPECT_EQ(keeper->state(), "ok");
  EXPECT_FALSE(keeper->is_recovering());
  EXPECT_NE(cold_.ssd(), nullptr);
  EXPECT_TRUE(said_.empty()) << "nothing is wrong";
}

TEST_F(SsdKeeping, WaitsForAPredecessor) {
  const int fd = take_file();
  const auto keeper = keep();
  run_until([&] { return !said_.empty(); });
  EXPECT_NE(said_.back().find("cache.ssd is off: another process has"), std::string::npos) << said_.back();
  EXPECT_EQ(keeper->state().substr(0, 5), "off: ");
  ::close(fd);
  run_until([&] { return opened_ == 1; });
  EXPECT_EQ(said_.back(), "cache.ssd is ok");
  EXPECT_EQ(said_.size(), 2U);
}

TEST_F(SsdKeeping, BeginsEmptyWhenTooMuchWasRemovedMeanwhile) {
  {
    test::SsdHarness before(test::small_options(folder_.path()));
    before.ssd().put(test::object_of("key", 1, 3000));
  }
  config_.chunk_bytes = 32 << 10;
  cold_.expect_ssd();
  for (std::size_t i = 0; i <= ColdTiers::kMostMissed; ++i) cold_.remove_from_ssd(i);
  const auto keeper = keep();
  run_until([&] { return opened_ == 1; });
  EXPECT_FALSE(cold_.ssd()->may_have(hash_of_key("key")));
  ASSERT_FALSE(said_.empty());
  EXPECT_NE(said_.front().find("begins empty"), std::string::npos);
}

TEST_F(SsdKeeping, StopsTrying) {
  const int fd = take_file();
  const auto keeper = keep();
  run_until([&] { return !said_.empty(); });
  keeper->stop();
  ::close(fd);
  for (int i = 0; i < 5; ++i) loop_->run_once();
  EXPECT_EQ(opened_, 0);
  EXPECT_EQ(keeper->state().substr(0, 5), "off: ");
}

}  // namespace
}  // namespace meridian::edge
