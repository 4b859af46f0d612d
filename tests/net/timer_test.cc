#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <vector>

#include "lib/net/event_loop.h"
#include "lib/net/timer_wheel.h"
#include "tests/net/harness.h"

namespace meridian {
namespace {

using test::make_loop;

class TimerTest : public testing::Test {
 protected:
  void advance(std::int64_t ms) {
    clock_.advance_ms(ms);
    loop_->run_once();
  }
  ManualClock clock_;
  std::unique_ptr<EventLoop> loop_ = make_loop(clock_);
};

TEST_F(TimerTest, FiresOnceNotEarlyAndWithinATick) {
  int fired = 0;
  Timer timer(*loop_, [&] { ++fired; });
  timer.arm(100);
  EXPECT_TRUE(timer.armed());
  advance(99);
  EXPECT_EQ(fired, 0);
  advance(TimerWheel::kTickMs);
  EXPECT_EQ(fired, 1);
  EXPECT_FALSE(timer.armed());
  advance(1000);
  EXPECT_EQ(fired, 1);
}

TEST_F(TimerTest, ArmingLaterMovesTheDeadline) {
  int fired = 0;
  Timer timer(*loop_, [&] { ++fired; });
  timer.arm(100);
  advance(50);
  timer.arm(100);
  advance(60);
  EXPECT_EQ(fired, 0);
  advance(50);
  EXPECT_EQ(fired, 1);
}

TEST_F(TimerTest, ArmingEarlierMovesTheDeadline) {
  int fired = 0;
  Timer timer(*loop_, [&] { ++fired; });
  timer.arm(60'000);
  timer.arm(20);
  advance(30);
  EXPECT_EQ(fired, 1);
  advance(60'000);
  EXPECT_EQ(fired, 1);
}

TEST_F(TimerTest, CancelAndDestroyPreventFiring) {
  int fired = 0;
  Timer cancelled(*loop_, [&] { ++fired; });
  std::optional<Timer> destroyed;
  destroyed.emplace(*loop_, [&] { ++fired; });
  cancelled.arm(50);
  destroyed->arm(50);
  cancelled.cancel();
  destroyed.reset();
  advance(100);
  EXPECT_EQ(fired, 0);
  cancelled.arm(50);
  advance(100);
  EXPECT_EQ(fired, 1);
}

TEST_F(TimerTest, DeadlinesBeyondTheWheelHold) {
  const std::int64_t wheel_ms = TimerWheel::kTickMs * static_cast<std::int64_t>(TimerWheel::kSlots);
  int fired = 0;
  Timer timer(*loop_, [&] { ++fired; });
  timer.arm(3 * wheel_ms);
  for (int i = 0; i < 299; ++i) advance(wheel_ms / 100);
  EXPECT_EQ(fired, 0);
  advance(wheel_ms / 50);
  EXPECT_EQ(fired, 1);
}

TEST_F(TimerTest, AJumpOfTheClockFiresAllInOrder) {
  std::vector<int> order;
  Timer late(*loop_, [&] { order.push_back(3); });
  Timer moved(*loop_, [&] { order.push_back(2); });
  Timer soon(*loop_, [&] { order.push_back(1); });
  late.arm(30'000);
  moved.arm(10);
  moved.arm(20'000);
  soon.arm(10'000);
  advance(3'600'000);
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST_F(TimerTest, MayArmItselfWhileFiringWithoutHoldingTheTurn) {
  int fired = 0;
  std::optional<Timer> timer;
  timer.emplace(*loop_, [&] {
    ++fired;
    timer->arm(0);
  });
  timer->arm(0);
  advance(20);
  EXPECT_EQ(fired, 1);
  advance(20);
  EXPECT_EQ(fired, 2);
}

TEST_F(TimerTest, MayDestroyItselfAndOthersOfTheSameSlotWhileFiring) {
  auto held = std::make_shared<int>(7);
  int fired = 0;
  std::optional<Timer> first;
  std::optional<Timer> second;
  first.emplace(*loop_, [&, held] {
    second.reset();
    first.reset();
    fired += *held;  // the function must outlive its timer until it returns
  });
  second.emplace(*loop_, [&] { fired += 100; });
  first->arm(50);
  second->arm(50);
  advance(100);
  EXPECT_EQ(fired, 7);
  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(TimerTest, CountsFromNowWhenArmedOutsideATurn) {
  int fired = 0;
  Timer timer(*loop_, [&] { ++fired; });
  clock_.advance_ms(1000);
  timer.arm(100);
  loop_->run_once();
  EXPECT_EQ(fired, 0);
  advance(110);
  EXPECT_EQ(fired, 1);
}

// Random arming, moving and cancelling against a plain list of deadlines.
TEST_F(TimerTest, AgreesWithAPlainListOfDeadlines) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  constexpr std::size_t kTimers = 200;
  std::vector<std::int64_t> due_ms(kTimers, 0);
  std::vector<std::unique_ptr<Timer>> timers;
  for (std::size_t i = 0; i < kTimers; ++i) {
    timers.push_back(std::make_unique<Timer>(*loop_, [this, &due_ms, i] {
      EXPECT_NE(due_ms[i], 0) << "fired though not armed";
      EXPECT_GE(loop_->now_ms(), due_ms[i]) << "fired early";
      due_ms[i] = 0;
    }));
  }
  for (int step = 0; step < 3000; ++step) {
    const std::size_t i = random() % kTimers;
    if (random() % 4 == 0) {
      timers[i]->cancel();
      due_ms[i] = 0;
    } else {
      const std::int64_t delay_ms = static_cast<std::int64_t>(random() % (random() % 2 == 0 ? 200 : 100'000));
      timers[i]->arm(delay_ms);
      due_ms[i] = clock_.mono_ms() + delay_ms;
    }
    advance(static_cast<std::int64_t>(random() % 3 == 0 ? random() % 5000 : random() % 30));
    for (const std::int64_t due : due_ms) {
      ASSERT_TRUE(due == 0 || due + TimerWheel::kTickMs > clock_.mono_ms()) << "did not fire in time";
    }
  }
}

TEST(TimerOnRealTimeTest, WakesALoopThatWaits) {
  auto loop = make_loop();
  Timer timer(*loop, [&] { loop->stop(); });
  const std::int64_t start_ms = system_clock().mono_ms();
  timer.arm(20);
  loop->run();
  EXPECT_GE(system_clock().mono_ms(), start_ms + 20);
}

}  // namespace
}  // namespace meridian
