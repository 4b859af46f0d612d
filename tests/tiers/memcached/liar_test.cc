#include <gtest/gtest.h>

#include <random>

#include "edge/tiers/memcached/value.h"
#include "tests/tiers/memcached/fake_server.h"
#include "tests/tiers/memcached/harness.h"

// Servers that say what they should not. Whatever they say, an asker gets a miss, and in time.
namespace meridian {
namespace {

using memcached::GetEnd;
using memcached::Reject;
using test::Bed;
using test::FakeServer;

std::string value_of(std::string_view key, std::size_t body_bytes = 100) {
  const memcached::EncodedValue value = memcached::encode(*test::object_of(key, 1, body_bytes));
  return value.front + std::string(value.body.view()) +
         std::string(value.checksum.data(), value.checksum.size());
}
std::string wire(std::string_view key) { return std::string(memcached::WireKey(key).view()); }

class LyingMemcached : public ::testing::Test {
 protected:
  LyingMemcached() { bed_.open({server_.address()}, {.stats_interval_ms = 1'000'000'000}); }
  void expect_reject(Reject why) {
    EXPECT_FALSE(bed_.get("key"));
    EXPECT_EQ(bed_.gets(GetEnd::kRejected), 1U);
    EXPECT_EQ(bed_.rejects(why), 1U);
  }
  void answer(std::string text) {
    server_.answer = [text = std::move(text)](const std::string&) { return text; };
  }

  Bed bed_;
  FakeServer server_{*bed_.loop};
};

TEST_F(LyingMemcached, AnotherKeysValueUnderThisKeysName) {
  answer(FakeServer::value_reply(wire("key"), value_of("other")));
  expect_reject(Reject::kOtherKey);
}
TEST_F(LyingMemcached, GarbageAsAValue) {
  answer(FakeServer::value_reply(wire("key"), std::string(500, 'x')));
  expect_reject(Reject::kGarbage);
}
TEST_F(LyingMemcached, AValueThatWasCut) {
  answer(FakeServer::value_reply(wire("key"), value_of("key").substr(0, 100)));
  expect_reject(Reject::kGarbage);
}
TEST_F(LyingMemcached, AValueThatWasDamaged) {
  std::string value = value_of("key");
  value[value.size() / 2] = static_cast<char>(value[value.size() / 2] ^ 1);
  answer(FakeServer::value_reply(wire("key"), value));
  expect_reject(Reject::kChecksum);
}
TEST_F(LyingMemcached, AValueLargerThanAny) {
  answer(FakeServer::value_reply(wire("key"), std::string(100'000, 'x')));
  expect_reject(Reject::kTooLarge);
  EXPECT_FALSE(bed_.get("key"));
  EXPECT_EQ(server_.connections(), 1U) << "it was skipped, and the line is still in step";
}

TEST_F(LyingMemcached, WhateverBreaksTheProtocolIsAMissAndANewConnection) {
  const std::string key = wire("key");
  const std::string whole = FakeServer::value_reply(key, value_of("key"));
  const std::string lies[] = {
      "HTTP/1.1 200 OK\r\n\r\n",
      "VALUE " + key + " 0 18446744073709551615\r\nx\r\nEND\r\n",
      "VALUE " + key + " 0 18446744073709551614\r\nx\r\nEND\r\n",
      "VALUE " + key + " 0 3000000000\r\nx\r\nEND\r\n",
      "VALUE " + std::string(330, 'k') + " 0 1\r\nx\r\nEND\r\n",
      "VALUE " + std::string(5000, 'k'),
      "VALUE " + key + " 0 3\r\nabcdEND\r\n",
      "VERSION\r\n",
      "STORED\r\n",
      "DELETED\r\n",
      "STAT a b\r\n",
      std::string("\0\0\0\0\r\n", 6),
      std::string(70'000, '\r'),
      FakeServer::value_reply(wire("other"), value_of("other")),
      whole.substr(0, whole.size() - 5) + whole,
  };
  std::uint64_t failures = 0;
  for (const std::string& lie : lies) {
    answer(lie);
    EXPECT_FALSE(bed_.get("key")) << lie.substr(0, 60);
    EXPECT_EQ(bed_.gets(GetEnd::kFailed), ++failures) << lie.substr(0, 60);
    bed_.pass_ms(1100);
    // The truth, told on a new connection, is believed again.
    answer(whole);
    EXPECT_TRUE(bed_.get("key")) << lie.substr(0, 60);
  }
}

TEST_F(LyingMemcached, AnAnswerThatNobodyAskedForEndsTheConnection) {
  const std::string whole = FakeServer::value_reply(wire("key"), value_of("key"));
  answer(whole + whole);
  EXPECT_TRUE(bed_.get("key"));
  answer("END\r\n");
  // On the old connection it would have been given the second answer.
  EXPECT_FALSE(bed_.get("other"));
  EXPECT_EQ(bed_.fleet->server(0).connects, 2U);
}

TEST_F(LyingMemcached, SlowBytesCostTheBudgetAndThenTheConnection) {
  server_.hold = true;
  answer(FakeServer::value_reply(wire("key"), value_of("key")));
  const auto asked = bed_.ask("key");
  ASSERT_TRUE(test::drive(*bed_.loop, [&] { return server_.requests().size() == 1; }));
  int steps_to_answer = 0;
  int steps_to_end = 0;
  for (int step = 1; steps_to_end == 0 && step < 1000; ++step) {
    server_.release(1);
    bed_.pass_ms(1);
    if (asked->calls == 1 && steps_to_answer == 0) steps_to_answer = step;
    if (bed_.tier->idle()) steps_to_end = step;
  }
  EXPECT_LE(steps_to_answer, 20 + 10) << "the budget, and the resolution of a timer";
  EXPECT_LE(steps_to_end, 50 + 10);
  EXPECT_FALSE(asked->object);
  EXPECT_EQ(asked->calls, 1);
}

TEST_F(LyingMemcached, ClosesAtEveryByte) {
  const std::string whole = FakeServer::value_reply(wire("key"), value_of("key"));
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    server_.hold = true;
    answer(whole);
    const std::size_t seen = server_.requests().size();
    const auto asked = bed_.ask("key");
    ASSERT_FALSE(asked->refused) << cut;
    ASSERT_TRUE(test::drive(*bed_.loop, [&] { return server_.requests().size() == seen + 1; }));
    server_.release(cut);
    server_.close_all();
    ASSERT_TRUE(test::drive(*bed_.loop, [&] { return asked->answered(); }));
    EXPECT_FALSE(asked->object) << cut;
    bed_.pass_ms(1100);
  }
}

// Noise, and pieces of the truth with noise in them: no object is ever given that is not whole.
TEST_F(LyingMemcached, RandomAnswersNeverGiveAWrongByte) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const std::string whole = FakeServer::value_reply(wire("key"), value_of("key"));
  for (int round = 0; round < 500; ++round) {
    std::string text = whole;
    for (auto changes = random() % 4; changes-- > 0;)
      text[random() % text.size()] = static_cast<char>(random());
    if (random() % 4 == 0) text.erase(random() % text.size(), random() % 20);
    answer(text);
    const auto asked = bed_.ask("key");
    for (int step = 0; !asked->answered() && step < 100; ++step) bed_.pass_ms(1);
    ASSERT_TRUE(asked->answered()) << "bounded";
    EXPECT_TRUE(!asked->object || test::is_whole(*asked->object, "key"));
    bed_.pass_ms(1100);
  }
}

}  // namespace
}  // namespace meridian
