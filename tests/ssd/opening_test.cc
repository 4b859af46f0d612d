#include <gtest/gtest.h>

#include "edge/tiers/ssd/ssd_opening.h"
#include "tests/ssd/fault_disk.h"
#include "tests/ssd/harness.h"

namespace meridian {
namespace {

class SsdOpen : public ::testing::Test {
 protected:
  SsdOpen() {
    test::SsdHarness harness(options());
    for (int i = 0; i < 100; ++i) {
      harness.ssd().put(test::object_of("key " + std::to_string(i), 1, 20'000));
      if (i % 20 == 0) harness.settle();
    }
  }
  SsdOptions options() {
    SsdOptions options = test::small_options("disk", SsdIo::kThreads);
    options.disk = &disk_;
    return options;
  }
  void wait_for_answer() {
    while (!answer_) loop_->run_once();
  }
  SsdOpening::Done keep() {
    return [this](Result<std::unique_ptr<SsdTier>> opened) { answer_.emplace(std::move(opened)); };
  }
  test::FaultDisk disk_;
  std::unique_ptr<EventLoop> loop_ = EventLoop::create().value();
  std::optional<Result<std::unique_ptr<SsdTier>>> answer_;
};

TEST_F(SsdOpen, DoesNotHoldUpItsLoop) {
  disk_.hold_reads(true);
  const SsdOpening opening(*loop_, options(), keep());
  for (int i = 0; i < 10; ++i) loop_->run_once();
  EXPECT_FALSE(answer_);
  EXPECT_FALSE(opening.is_recovering()) << "the file is not even looked at";
  disk_.hold_reads(false);
  wait_for_answer();
  ASSERT_TRUE(*answer_);
  EXPECT_EQ((**answer_)->stats().objects, 100U);
}

TEST_F(SsdOpen, MayBeDestroyedByItsAnswer) {
  std::unique_ptr<SsdOpening> opening;
  opening = std::make_unique<SsdOpening>(*loop_, options(), [&](Result<std::unique_ptr<SsdTier>> opened) {
    opening.reset();
    answer_.emplace(std::move(opened));
  });
  wait_for_answer();
  EXPECT_TRUE(*answer_);
}

TEST_F(SsdOpen, TellsNobodyOnceItWasGivenUp) {
  { const SsdOpening opening(*loop_, options(), keep()); }
  for (int i = 0; i < 10; ++i) loop_->run_once();
  EXPECT_FALSE(answer_);
  const SsdOpening again(*loop_, options(), keep());
  wait_for_answer();
  EXPECT_TRUE(*answer_);
}

TEST_F(SsdOpen, SaysWhyItFailed) {
  disk_.fail_open = ENOSPC;
  const SsdOpening opening(*loop_, options(), keep());
  wait_for_answer();
  ASSERT_FALSE(*answer_);
  EXPECT_NE(answer_->error().context.find("No space"), std::string::npos);
}

TEST_F(SsdOpen, EndsSoonWhenItIsStopped) {
  SsdOpenProgress progress;
  progress.stop = true;
  SsdOptions stopped = options();
  stopped.progress = &progress;
  const auto tier = SsdTier::open(std::move(stopped));
  ASSERT_FALSE(tier);
  EXPECT_EQ(tier.error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(progress.is_recovering);
  test::SsdHarness harness(options());
  EXPECT_EQ(harness.ssd().stats().objects, 100U) << "nothing was changed";
}

TEST_F(SsdOpen, EmptyForgetsWhatTheFileHolds) {
  SsdOptions empty = options();
  empty.start_empty = true;
  {
    test::SsdHarness harness(std::move(empty));
    EXPECT_EQ(harness.ssd().stats().objects, 0U);
    EXPECT_TRUE(harness.ssd().put(test::object_of("new", 1, 3000)));
  }
  test::SsdHarness harness(options());
  EXPECT_EQ(harness.ssd().stats().objects, 1U);
  EXPECT_TRUE(harness.get("new"));
}

}  // namespace
}  // namespace meridian
