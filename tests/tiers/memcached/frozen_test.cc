#include <gtest/gtest.h>

#include "tests/tiers/memcached/harness.h"
#include "tests/tiers/memcached/real_server.h"

// Real servers that are frozen, killed and started again.
namespace meridian {
namespace {

using memcached::GetEnd;
using memcached::RemovalEnd;
using memcached::WriteEnd;
using test::Bed;
using test::RealServer;

// Keys of each of two servers, each stored.
std::vector<std::vector<std::string>> filled(Bed& bed, std::size_t each) {
  std::vector<std::vector<std::string>> keys(2);
  for (int i = 0; keys[0].size() < each || keys[1].size() < each; ++i) {
    const std::string key = "key " + std::to_string(i);
    auto& mine = keys[bed.server_of(key)];
    if (mine.size() == each) continue;
    EXPECT_TRUE(bed.put(key));
    mine.push_back(key);
  }
  return keys;
}

class MemcachedOutage : public ::testing::Test {
 protected:
  RealServer frozen_, well_;
  Bed bed_{{frozen_.address(), well_.address()},
           {.get_budget_ms = 20, .timeout_ms = 50, .breaker_failures = 3}};
};

TEST_F(MemcachedOutage, AFrozenServerHoldsUpNobodyElsesKeys) {
  const auto keys = filled(bed_, 20);
  frozen_.freeze();
  std::vector<std::unique_ptr<test::Asked>> stuck, well;
  for (std::size_t i = 0; i < 20; ++i) {
    stuck.push_back(bed_.ask(keys[0][i]));
    well.push_back(bed_.ask(keys[1][i]));
  }
  // Time stands still, and yet the other server's keys are answered.
  for (const auto& asked : well) {
    ASSERT_TRUE(test::drive(*bed_.loop, [&] { return asked->answered(); }));
    EXPECT_TRUE(asked->object);
  }
  for (const auto& asked : stuck) EXPECT_FALSE(asked->answered());
  // After the budget, and not a step later, everybody has an answer.
  bed_.pass_ms(30);
  for (const auto& asked : stuck) {
    EXPECT_EQ(asked->calls, 1);
    EXPECT_FALSE(asked->object);
  }
  EXPECT_EQ(bed_.gets(GetEnd::kLate), 20U);

  // The breaker is open: nobody waits any more, and nothing is sent.
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(bed_.ask(keys[0][0])->refused);
  EXPECT_EQ(bed_.gets(GetEnd::kRefused), 100U);
  EXPECT_TRUE(bed_.get(keys[1][0]));

  // It thaws before its connection is given up: what it says now is dropped.
  frozen_.thaw();
  ASSERT_TRUE(test::drive(*bed_.loop, [&] { return bed_.fleet->server(0).late_answers == 20; }));
  for (const auto& asked : stuck) EXPECT_EQ(asked->calls, 1);

  // One request goes to see; the others do not wait for it.
  bed_.pass_ms(1000);
  const auto trial = bed_.ask(keys[0][0]);
  EXPECT_FALSE(trial->refused);
  EXPECT_TRUE(bed_.ask(keys[0][1])->refused);
  ASSERT_TRUE(test::drive(*bed_.loop, [&] { return trial->answered(); }));
  EXPECT_TRUE(trial->object);
  for (const std::string& key : keys[0]) EXPECT_TRUE(bed_.get(key));
}

TEST_F(MemcachedOutage, AServerThatStaysFrozenCostsOneWaitATrial) {
  const auto keys = filled(bed_, 3);
  frozen_.freeze();
  for (int i = 0; i < 3; ++i) {
    const auto asked = bed_.ask(keys[0][0]);
    bed_.pass_ms(100);
  }
  EXPECT_EQ(bed_.gets(GetEnd::kLate), 3U);
  for (std::uint64_t trial = 1; trial <= 10; ++trial) {
    bed_.pass_ms(1000);
    std::vector<std::unique_ptr<test::Asked>> all;
    for (int i = 0; i < 50; ++i) all.push_back(bed_.ask(keys[0][0]));
    bed_.pass_ms(100);
    for (const auto& asked : all) EXPECT_TRUE(asked->answered());
    EXPECT_EQ(bed_.gets(GetEnd::kLate), 3 + trial);
    EXPECT_EQ(bed_.gets(GetEnd::kRefused), 49 * trial);
  }
  EXPECT_EQ(bed_.fleet->server(0).connects, 1U + 3U + 10U - 1U);
}

TEST_F(MemcachedOutage, WhatWaitsForAFrozenServerIsBounded) {
  const auto keys = filled(bed_, 1);
  frozen_.freeze();
  for (int i = 0; i < 200; ++i) bed_.tier->put(test::object_of(keys[0][0], 2, 50'000));
  EXPECT_LE(bed_.fleet->server(0).waiting_bytes, bed_.fleet->options().write_queue_bytes);
  EXPECT_GT(bed_.writes(WriteEnd::kShed), 100U);
  bed_.pass_ms(60);
  EXPECT_TRUE(bed_.tier->idle());
  EXPECT_EQ(bed_.fleet->server(0).waiting_bytes, 0U);
  EXPECT_EQ(bed_.fleet->server(0).waiting, 0U);
  bed_.tier->put(test::object_of(keys[0][0], 2, 50'000));
  bed_.tier->remove(keys[0][0]);
  EXPECT_EQ(bed_.writes(WriteEnd::kRefused), 1U);
  EXPECT_EQ(bed_.removals(RemovalEnd::kFailed), 1U);
}

TEST_F(MemcachedOutage, AKilledServerIsAMissAndComesBack) {
  const auto keys = filled(bed_, 5);
  for (int round = 0; round < 5; ++round) {
    frozen_.kill();
    for (const std::string& key : keys[0]) {
      EXPECT_FALSE(bed_.get(key));
    }
    for (const std::string& key : keys[1]) EXPECT_TRUE(bed_.get(key));
    frozen_.start();
    bed_.pass_ms(1100);
    // The first one is the trial that closes the breaker.
    for (const std::string& key : keys[0]) EXPECT_FALSE(bed_.get(key));
    for (const std::string& key : keys[0]) EXPECT_TRUE(bed_.put(key, 2));
    for (const std::string& key : keys[0]) EXPECT_TRUE(bed_.get(key)) << key;
  }
}

}  // namespace
}  // namespace meridian
