#include "origin/server/body_pump.h"

#include <gtest/gtest.h>

#include "origin/server/oracle.h"
#include "tests/origin/fake_exchange.h"

namespace meridian::origin {
namespace {

using config::FaultCut;

class BodyPumpTest : public ::testing::Test {
 protected:
  BodyPumpTest() : loop_(*EventLoop::create(clock_)) { loop_->run_once(); }

  static std::unique_ptr<Body> text(const std::string& bytes) {
    return std::make_unique<SegmentBody>(std::make_unique<MemoryContent>(bytes),
                                         std::vector<Segment>{{{}, 0, bytes.size()}});
  }
  void advance(std::int64_t ms) {
    clock_.advance_ms(ms);
    loop_->run_once();
  }

  ManualClock clock_;
  std::unique_ptr<EventLoop> loop_;
};

TEST_F(BodyPumpTest, SendsAllAndFinishes) {
  FakeExchange exchange(*loop_, "GET", "/");
  BodyPump pump(exchange, text("hello"), "X: y\r\n", {});
  pump.run();
  EXPECT_EQ(exchange.end, FakeExchange::End::kFinished);
  EXPECT_EQ(exchange.body, "hello");
  EXPECT_EQ(exchange.trailers, "X: y\r\n");
}

// A client that does not read stops the pump: memory stays bounded, however large the body.
TEST_F(BodyPumpTest, WaitsForASlowClient) {
  constexpr std::uint64_t kSize = 8 * 1024 * 1024;
  FakeExchange exchange(*loop_, "GET", "/");
  exchange.window = 0;
  auto body = std::make_unique<SegmentBody>(std::make_unique<OracleContent>(1, kSize),
                                            std::vector<Segment>{{{}, 0, kSize}});
  BodyPump pump(exchange, std::move(body), "", {});
  pump.run();
  std::size_t turns = 0;
  while (exchange.end == FakeExchange::End::kOpen && turns++ < 1000) {
    EXPECT_LE(exchange.queued_bytes(), http::Exchange::kHighWater + Content::kBlockBytes);
    exchange.take();
    pump.run();
  }
  EXPECT_EQ(exchange.end, FakeExchange::End::kFinished);
  EXPECT_EQ(exchange.body.size(), kSize);
  EXPECT_TRUE(oracle_matches(1, 0, exchange.body));
}

class FailingBody final : public Body {
 public:
  void next(Done done) override {
    if (!given_) {
      given_ = true;
      return done(Slice::of_static("begun"));
    }
    done(fail(ErrorCode::kClosed, ErrorSource::kOrigin, "the file became shorter"));
  }

 private:
  bool given_ = false;
};

TEST_F(BodyPumpTest, AbortsWhenTheBodyFails) {
  FakeExchange exchange(*loop_, "GET", "/");
  BodyPump pump(exchange, std::make_unique<FailingBody>(), "", {});
  pump.run();
  EXPECT_EQ(exchange.end, FakeExchange::End::kAborted);
  EXPECT_EQ(exchange.body, "begun");
}

TEST_F(BodyPumpTest, CutsWhereThePlanSays) {
  const std::pair<FaultCut, FakeExchange::End> cases[] = {
      {FaultCut::kTruncate, FakeExchange::End::kTruncated},
      {FaultCut::kReset, FakeExchange::End::kAborted},
      {FaultCut::kHang, FakeExchange::End::kOpen},
  };
  for (const auto& [cut, end] : cases) {
    FaultPlan plan;
    plan.cut = cut;
    plan.cut_in_body = true;
    plan.cut_at = 3;
    FakeExchange exchange(*loop_, "GET", "/");
    BodyPump pump(exchange, text("hello"), "", plan);
    pump.run();
    EXPECT_EQ(exchange.end, end);
    EXPECT_EQ(exchange.body, "hel");
  }
}

// Even a hang is bounded: a client that is gone without a word must not be kept for ever.
TEST_F(BodyPumpTest, AHangEndsInTheEnd) {
  FaultPlan plan;
  plan.cut = FaultCut::kHang;
  plan.cut_in_body = true;
  FakeExchange exchange(*loop_, "GET", "/");
  BodyPump pump(exchange, text("hello"), "", plan);
  pump.run();
  advance(kLongestHangMs - 1000);
  EXPECT_EQ(exchange.end, FakeExchange::End::kOpen);
  advance(1100);
  EXPECT_EQ(exchange.end, FakeExchange::End::kAborted);
  EXPECT_EQ(exchange.body, "");
}

TEST_F(BodyPumpTest, ACutBehindTheEndDoesNotHit) {
  FaultPlan plan;
  plan.cut = FaultCut::kTruncate;
  plan.cut_in_body = true;
  plan.cut_at = 100;
  FakeExchange exchange(*loop_, "GET", "/");
  BodyPump pump(exchange, text("hello"), "", plan);
  pump.run();
  EXPECT_EQ(exchange.end, FakeExchange::End::kFinished);
}

TEST_F(BodyPumpTest, PausesInTheMiddle) {
  FaultPlan plan;
  plan.body_delay_ms = 500;
  plan.body_delay_at = 2;
  FakeExchange exchange(*loop_, "GET", "/");
  BodyPump pump(exchange, text("hello"), "", plan);
  pump.run();
  EXPECT_EQ(exchange.body, "he");
  advance(400);
  EXPECT_EQ(exchange.body, "he");
  advance(200);
  EXPECT_EQ(exchange.body, "hello");
  EXPECT_EQ(exchange.end, FakeExchange::End::kFinished);
}

TEST_F(BodyPumpTest, KeepsToItsRate) {
  FaultPlan plan;
  plan.rate_bytes_per_s = 1000;
  FakeExchange exchange(*loop_, "GET", "/");
  BodyPump pump(exchange, text(std::string(2000, 'x')), "", plan);
  pump.run();
  for (int elapsed_ms = 100; elapsed_ms <= 2500 && exchange.end == FakeExchange::End::kOpen;
       elapsed_ms += 100) {
    advance(100);
    EXPECT_LE(exchange.body.size(), static_cast<std::size_t>(elapsed_ms));
    EXPECT_GE(exchange.body.size() + 100, static_cast<std::size_t>(std::min(elapsed_ms, 2000)));
  }
  EXPECT_EQ(exchange.end, FakeExchange::End::kFinished);
  EXPECT_EQ(exchange.body.size(), 2000U);
}

TEST_F(BodyPumpTest, TimedBodiesPauseBetweenPieces) {
  FakeExchange exchange(*loop_, "GET", "/");
  auto body = std::make_unique<TimedBody>(
      *loop_, 100, [](std::uint64_t n) { return n < 3 ? std::to_string(n) : std::string(); });
  BodyPump pump(exchange, std::move(body), "", {});
  pump.run();
  EXPECT_EQ(exchange.body, "0");
  advance(120);
  EXPECT_EQ(exchange.body, "01");
  advance(120);
  advance(120);
  EXPECT_EQ(exchange.body, "012");
  EXPECT_EQ(exchange.end, FakeExchange::End::kFinished);
}

}  // namespace
}  // namespace meridian::origin
