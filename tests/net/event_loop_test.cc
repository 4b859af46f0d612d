#include "lib/net/event_loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <thread>
#include <vector>

#include "tests/net/harness.h"

namespace meridian {
namespace {

using test::drive;
using test::make_loop;

struct Ends {
  Ends() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0); }
  ~Ends() {
    ::close(fds[0]);
    ::close(fds[1]);
  }
  int fds[2];
};

class Counter final : public FdHandler {
 public:
  void on_fd(bool readable, bool writable) override {
    reads += readable ? 1 : 0;
    writes += writable ? 1 : 0;
    if (then) then();
  }
  std::function<void()> then;
  int reads = 0;
  int writes = 0;
};

TEST(EventLoopTest, PostedWorkRunsInOrder) {
  auto loop = make_loop();
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) loop->post([&order, i] { order.push_back(i); });
  loop->run_once();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(EventLoopTest, WorkPostedByWorkRunsInTheNextTurn) {
  auto loop = make_loop();
  int ran = 0;
  loop->post([&] {
    ++ran;
    loop->post([&] { ++ran; });
  });
  loop->run_once();
  EXPECT_EQ(ran, 1);
  loop->run_once();
  EXPECT_EQ(ran, 2);
}

TEST(EventLoopTest, PostFromManyThreadsLosesNothingAndKeepsEachThreadsOrder) {
  auto loop = make_loop();
  constexpr int kThreads = 4;
  constexpr int kPosts = 2000;
  std::vector<int> last(kThreads, -1);
  int total = 0;
  bool ordered = true;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kPosts; ++i) {
        loop->post([&, t, i] {
          ordered = ordered && last[static_cast<std::size_t>(t)] == i - 1;
          last[static_cast<std::size_t>(t)] = i;
          if (++total == kThreads * kPosts) loop->stop();
        });
      }
    });
  }
  loop->run();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(total, kThreads * kPosts);
  EXPECT_TRUE(ordered);
}

TEST(EventLoopTest, StopFromAnotherThreadEndsRunAndRunWorksAgain) {
  auto loop = make_loop();
  for (int round = 0; round < 3; ++round) {
    std::thread other([&] { loop->stop(); });
    loop->run();
    other.join();
  }
}

TEST(EventLoopTest, WhatWasPostedBeforeStopRunsFirst) {
  auto loop = make_loop();
  bool ran = false;
  loop->post([&] { ran = true; });
  loop->stop();
  loop->run();
  EXPECT_TRUE(ran);
}

TEST(EventLoopTest, EndOfTurnComesAfterTheEventsAndOnce) {
  auto loop = make_loop();
  std::vector<std::string> order;
  loop->post([&] {
    loop->at_end_of_turn([&] { order.push_back("end"); });
    order.push_back("first");
  });
  loop->post([&] { order.push_back("second"); });
  loop->run_once();
  loop->run_once();
  EXPECT_EQ(order, (std::vector<std::string>{"first", "second", "end"}));
}

TEST(EventLoopTest, EndOfTurnWorkAddedByItselfDoesNotHoldTheTurn) {
  auto loop = make_loop();
  int ran = 0;
  std::function<void()> again = [&] {
    if (++ran == 3) loop->stop();
    loop->at_end_of_turn(again);
  };
  loop->at_end_of_turn(again);
  loop->run_once();
  EXPECT_EQ(ran, 1);
  loop->run();
  EXPECT_EQ(ran, 3);
}

TEST(EventLoopTest, TimeIsReadOnceATurn) {
  ManualClock clock;
  auto loop = make_loop(clock);
  const std::int64_t start_ms = loop->now_ms();
  loop->post([&] {
    clock.advance_ms(500);
    EXPECT_EQ(loop->now_ms(), start_ms);
  });
  loop->run_once();
  loop->run_once();
  EXPECT_EQ(loop->now_ms(), start_ms + 500);
  EXPECT_EQ(loop->wall_ms(), clock.wall_ms());
}

TEST(SoonTest, RunsOnceAfterTheEventsOfTheTurnThatAsked) {
  auto loop = make_loop();
  std::vector<std::string> order;
  Soon soon(*loop, [&] { order.push_back("soon"); });
  loop->post([&] {
    soon.schedule();
    soon.schedule();
    order.push_back("event");
  });
  loop->run_once();
  loop->run_once();
  EXPECT_EQ(order, (std::vector<std::string>{"event", "soon"}));
}

TEST(SoonTest, ReschedulingItselfTakesTurns) {
  auto loop = make_loop();
  int ran = 0;
  std::optional<Soon> soon;
  soon.emplace(*loop, [&] {
    ++ran;
    soon->schedule();
  });
  soon->schedule();
  loop->run_once();
  EXPECT_EQ(ran, 1);
  loop->run_once();
  EXPECT_EQ(ran, 2);
}

TEST(SoonTest, DestroyingCancelsAlsoInsideTheRun) {
  auto loop = make_loop();
  int ran = 0;
  std::optional<Soon> first;
  std::optional<Soon> second;
  first.emplace(*loop, [&] {
    ++ran;
    second.reset();
    first.reset();
  });
  second.emplace(*loop, [&] { ++ran; });
  first->schedule();
  second->schedule();
  loop->run_once();
  loop->run_once();
  EXPECT_EQ(ran, 1);
}

TEST(SoonTest, WakesALoopThatWouldWait) {
  auto loop = make_loop();
  Soon soon(*loop, [&] { loop->stop(); });
  soon.schedule();
  loop->run();
}

TEST(FdWatchTest, TellsReadinessAsLongAsItLasts) {
  auto loop = make_loop();
  Ends ends;
  Counter counter;
  FdWatch watch(*loop, ends.fds[0], counter);
  watch.want(true, false);
  loop->run_once();
  EXPECT_EQ(counter.reads, 0);
  ASSERT_EQ(::write(ends.fds[1], "x", 1), 1);
  loop->run_once();
  loop->run_once();
  EXPECT_EQ(counter.reads, 2);
  EXPECT_EQ(counter.writes, 0);
}

TEST(FdWatchTest, WhatIsNotWantedIsNotTold) {
  auto loop = make_loop();
  Ends ends;
  Counter counter;
  FdWatch watch(*loop, ends.fds[0], counter);
  watch.want(true, true);
  watch.want(false, false);
  ASSERT_EQ(::write(ends.fds[1], "x", 1), 1);
  for (int i = 0; i < 3; ++i) loop->run_once();
  EXPECT_EQ(counter.reads + counter.writes, 0);
  watch.want(true, false);
  loop->run_once();
  EXPECT_EQ(counter.reads, 1);
  watch.want(false, true);
  loop->run_once();
  EXPECT_EQ(counter.reads, 1);
  EXPECT_EQ(counter.writes, 1);
}

TEST(FdWatchTest, HandlerMayDestroyItsWatchAndAnother) {
  auto loop = make_loop();
  Ends a;
  Ends b;
  Counter counter;
  auto first = std::make_unique<FdWatch>(*loop, a.fds[0], counter);
  auto second = std::make_unique<FdWatch>(*loop, b.fds[0], counter);
  first->want(true, true);
  second->want(true, true);
  ASSERT_EQ(::write(a.fds[1], "x", 1), 1);
  ASSERT_EQ(::write(b.fds[1], "x", 1), 1);
  counter.then = [&] {
    first.reset();
    second.reset();
  };
  loop->run_once();
  loop->run_once();
  EXPECT_EQ(counter.reads + counter.writes, 1);
}

TEST(FdWatchTest, HangupOfAnUnwantedDescriptorDoesNotSpin) {
  auto loop = make_loop();
  Ends ends;
  Counter counter;
  FdWatch watch(*loop, ends.fds[0], counter);
  watch.want(true, false);
  watch.want(false, false);
  ::shutdown(ends.fds[1], SHUT_RDWR);
  for (int i = 0; i < 3; ++i) loop->run_once();
  EXPECT_EQ(counter.reads, 0);
  watch.want(true, false);
  loop->run_once();
  EXPECT_EQ(counter.reads, 1);
}

}  // namespace
}  // namespace meridian
