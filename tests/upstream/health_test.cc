#include "origin/upstream/retry_budget.h"
#include "origin/upstream/shared_group.h"
#include "tests/upstream/harness.h"

// Breakers, passive ejection, backups, and what happens when nobody is well.
namespace meridian::upstream::test {
namespace {

using State = TargetState::Breaker;

TEST(Breaker, OpensAfterFailuresInARowAndLetsOneTrialThrough) {
  Breaker breaker(3, 0, 1000);
  const auto fail_once = [&](std::int64_t now) { breaker.failed(breaker.enter(now), now); };
  fail_once(1);
  fail_once(2);
  breaker.succeeded(breaker.enter(3));
  fail_once(4);
  fail_once(5);
  EXPECT_EQ(breaker.state(5), Breaker::State::kClosed) << "not in a row";
  fail_once(6);
  EXPECT_EQ(breaker.state(6), Breaker::State::kOpen);
  EXPECT_EQ(breaker.enter(1005), Breaker::Pass::kRefused);
  EXPECT_EQ(breaker.state(1006), Breaker::State::kHalfOpen);
  EXPECT_TRUE(breaker.would_pass(1006));
  EXPECT_EQ(breaker.enter(1006), Breaker::Pass::kTrial);
  EXPECT_FALSE(breaker.would_pass(1006));
  EXPECT_EQ(breaker.enter(1006), Breaker::Pass::kRefused) << "one trial at a time";
  breaker.failed(Breaker::Pass::kTrial, 1010);
  EXPECT_EQ(breaker.state(2009), Breaker::State::kOpen);
  EXPECT_EQ(breaker.enter(2010), Breaker::Pass::kTrial);
  breaker.abandoned(Breaker::Pass::kTrial);
  EXPECT_EQ(breaker.enter(2011), Breaker::Pass::kTrial)
      << "a trial that came to nothing leaves room for another";
  breaker.succeeded(Breaker::Pass::kTrial);
  EXPECT_EQ(breaker.state(2011), Breaker::State::kClosed);
  EXPECT_EQ(breaker.enter(2011), Breaker::Pass::kNormal);
}

// Requests that run at once fail at once: that is one bad moment, and no outage.
TEST(Breaker, ABurstOfFailuresDoesNotOpenIt) {
  Breaker breaker(3, 1000, 5000);
  for (int i = 0; i < 50; ++i) breaker.failed(breaker.enter(100 + i), 100 + i);
  EXPECT_EQ(breaker.state(150), Breaker::State::kClosed);
  breaker.succeeded(breaker.enter(200));
  for (int i = 0; i < 50; ++i) breaker.failed(breaker.enter(1100), 1100 + i);
  EXPECT_EQ(breaker.state(1149), Breaker::State::kClosed) << "the success between them began a new row";
  breaker.failed(breaker.enter(2099), 2099);
  EXPECT_EQ(breaker.state(2099), Breaker::State::kClosed);
  breaker.failed(breaker.enter(2100), 2100);
  EXPECT_EQ(breaker.state(2100), Breaker::State::kOpen) << "a second of nothing but failures";
}

TEST(Breaker, LateOutcomesOfOldRequestsChangeNothing) {
  Breaker breaker(1, 0, 1000);
  const Breaker::Pass a = breaker.enter(0);
  const Breaker::Pass b = breaker.enter(0);
  const Breaker::Pass c = breaker.enter(0);
  breaker.failed(a, 0);
  breaker.failed(b, 500);
  EXPECT_EQ(breaker.state(1000), Breaker::State::kHalfOpen) << "not open longer";
  breaker.succeeded(c);
  EXPECT_EQ(breaker.state(999), Breaker::State::kOpen) << "not closed early";
}

TEST(RetryBudget, AShareOfTenSecondsAndAFewAlways) {
  RetryBudget budget(0.1);
  int taken = 0;
  for (int i = 0; i < 10; ++i) taken += budget.take(0) ? 1 : 0;
  EXPECT_EQ(taken, 3);
  for (int i = 0; i < 100; ++i) budget.count_request(5000);
  while (budget.take(5000)) ++taken;
  EXPECT_EQ(taken, 10);
  EXPECT_FALSE(budget.take(9999));
  // The three of second 0 and the others of second 5 have gone by then; so have the requests.
  taken = 0;
  while (budget.take(16'000)) ++taken;
  EXPECT_EQ(taken, 3);
}

TEST(RateWindow, ForgetsSecondBySecond) {
  RateWindow window;
  for (int s = 0; s < 10; ++s) {
    window.count_all(s * 1000);
    window.count_some(s * 1000 + 999);
  }
  EXPECT_EQ(window.sums(9999).all, 10U);
  EXPECT_EQ(window.sums(10'000).all, 9U);
  EXPECT_EQ(window.sums(14'500).some, 5U);
  EXPECT_EQ(window.sums(60'000).all, 0U);
  window.count_all(60'000);
  EXPECT_EQ(window.sums(60'000).all, 1U);
  window.clear();
  EXPECT_EQ(window.sums(60'000).all, 0U);
}

class HealthTest : public UpstreamTest {
 protected:
  void SetUp() override {
    options.retries = 0;
    options.breaker_span_ms = 0;
  }
  void break_off(ScriptedOrigin& origin) {
    origin.answer_by([](OriginConnection& c) { c.reset(); });
  }
  ScriptedOrigin origin{*loop};
  ScriptedOrigin other{*loop};
};

TEST_F(HealthTest, TheBreakerOpensTriesAndCloses) {
  use({origin.url()});
  break_off(origin);
  for (unsigned i = 0; i < options.breaker_failures; ++i) EXPECT_TRUE(run()->error);
  EXPECT_EQ(state().breaker, State::kOpen);
  const std::size_t connections = origin.connections.size();
  auto refused = run();
  ASSERT_TRUE(refused->error);
  EXPECT_EQ(refused->error->code, ErrorCode::kUnavailable);
  EXPECT_EQ(origin.connections.size(), connections) << "nothing went to the origin";

  advance(options.breaker_open_ms + 10);
  EXPECT_EQ(state().breaker, State::kHalfOpen);
  EXPECT_TRUE(run()->error);
  EXPECT_EQ(origin.connections.size(), connections + 1) << "one trial";
  EXPECT_EQ(state().breaker, State::kOpen);

  advance(options.breaker_open_ms + 10);
  origin.on_bytes = nullptr;
  auto trial = start();
  auto second = start();
  ASSERT_TRUE(drive([&] { return second->over(); }));
  EXPECT_EQ(second->error->code, ErrorCode::kUnavailable) << "a trial is under way";
  ASSERT_TRUE(drive([&] {
    return origin.connections.size() == connections + 2 && origin.connections.back()->heads() == 1;
  }));
  // The head is proof enough: an endless answer must not keep all others out.
  origin.connections.back()->send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
  ASSERT_TRUE(drive([&] { return trial->saw("head"); }));
  EXPECT_EQ(state().breaker, State::kClosed);
}

TEST_F(HealthTest, OneBadMomentIsNoOutage) {
  options.breaker_span_ms = 1000;
  use({origin.url()});
  break_off(origin);
  for (unsigned i = 0; i < 4 * options.breaker_failures; ++i) EXPECT_TRUE(run()->error);
  EXPECT_EQ(state().breaker, State::kClosed);
  advance(options.breaker_span_ms);
  EXPECT_TRUE(run()->error);
  EXPECT_EQ(state().breaker, State::kOpen);
}

TEST_F(HealthTest, ATrialThatIsDroppedLeavesRoomForAnother) {
  options.breaker_failures = 1;
  use({origin.url()});
  break_off(origin);
  EXPECT_TRUE(run()->error);
  advance(options.breaker_open_ms + 10);
  origin.on_bytes = nullptr;
  auto trial = start();
  trial.reset();
  origin.always(std::string(kOk));
  EXPECT_TRUE(run()->done);
  EXPECT_EQ(state().breaker, State::kClosed);
}

TEST_F(HealthTest, AnErrorPageIsNoReasonToOpen) {
  use({origin.url()});
  origin.always("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(run()->done);
  EXPECT_EQ(state().breaker, State::kClosed);
  EXPECT_EQ(state().failures, 0U);
}

TEST_F(HealthTest, ATargetThatFailsOftenIsLeftOutForAWhile) {
  options.breaker_failures = 1'000'000;
  use({origin.url(), other.url()});
  origin.answer_by([this](OriginConnection& c) {
    if (origin.heads() % 4 == 0) {
      c.send(kOk);
    } else {
      c.reset();
    }
  });
  other.always(std::string(kOk));
  for (int i = 0; i < 200 && !state(0).ejected; ++i) run();
  ASSERT_TRUE(state(0).ejected);
  EXPECT_GE(state(0).requests, 20U);
  EXPECT_FALSE(state(1).ejected);
  const std::uint64_t before = state(0).requests;
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(run()->done);
  EXPECT_EQ(state(0).requests, before);
  advance(options.eject_ms);
  EXPECT_FALSE(state(0).ejected);
  for (int i = 0; i < 50 && state(0).requests == before; ++i) run();
  EXPECT_GT(state(0).requests, before);
}

TEST_F(HealthTest, ServerErrorsCountForEjectionIfAsked) {
  options.server_errors_count = true;
  use({origin.url(), other.url()});
  origin.always("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
  other.always(std::string(kOk));
  for (int i = 0; i < 200 && !state(0).ejected; ++i) run();
  EXPECT_TRUE(state(0).ejected);
  EXPECT_EQ(state(0).breaker, State::kClosed);
  EXPECT_EQ(state(0).failures, state(0).requests);
}

TEST_F(HealthTest, TheLastIsNeverEjected) {
  options.breaker_failures = 1'000'000;
  use({origin.url()});
  break_off(origin);
  for (int i = 0; i < 60; ++i) run();
  EXPECT_FALSE(state(0).ejected);
  // Nor more than half of several.
  use({origin.url(), other.url()});
  break_off(other);
  for (int i = 0; i < 200; ++i) run();
  EXPECT_NE(state(0).ejected, state(1).ejected);
}

TEST_F(HealthTest, WhenAllAreEjectedAllAreUsed) {
  use({origin.url(), other.url()});
  origin.always(std::string(kOk));
  other.always(std::string(kOk));
  for (std::size_t i = 0; i < 2; ++i) shared->target(i).eject_until(clock.mono_ms() + 1000);
  EXPECT_TRUE(run()->done);
}

TEST_F(HealthTest, BackupsServeOnlyWhenNoPrimaryCan) {
  options.targets = {{.url = origin.url()}, {.url = other.url(), .backup = true}};
  options.breaker_failures = 2;
  use_options();
  origin.always(std::string(kOk));
  other.always(std::string(kOk));
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(run()->done);
  EXPECT_EQ(other.connections.size(), 0U);
  break_off(origin);
  for (int i = 0; i < 2; ++i) run();
  ASSERT_EQ(state(0).breaker, State::kOpen);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(run()->done);
  EXPECT_EQ(state(1).requests, 20U);
  advance(options.breaker_open_ms + 10);
  origin.always(std::string(kOk));
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(run()->done);
  EXPECT_EQ(state(1).requests, 20U) << "the primary is back";
}

TEST_F(HealthTest, AKeyKeepsItsTargetAndMovesOnlyWhenThatIsOut) {
  options.balance = GroupOptions::Balance::kConsistentHash;
  use({origin.url(), other.url()});
  origin.always(std::string(kOk));
  other.always(std::string(kOk));
  std::map<std::uint64_t, std::string> home;
  for (std::uint64_t hash = 0; hash < 40; ++hash) home[hash] = run({.hash = hash})->fetch->info().target;
  for (std::uint64_t hash = 0; hash < 40; ++hash)
    EXPECT_EQ(run({.hash = hash})->fetch->info().target, home[hash]);
  EXPECT_GT(state(0).requests, 10U);
  EXPECT_GT(state(1).requests, 10U);
  shared->target(0).eject_until(clock.mono_ms() + 1000);
  for (std::uint64_t hash = 0; hash < 40; ++hash)
    EXPECT_EQ(run({.hash = hash})->fetch->info().target, other.url());
}

}  // namespace
}  // namespace meridian::upstream::test
