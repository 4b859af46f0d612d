#include <gtest/gtest.h>

#include "tests/tiers/memcached/fake_server.h"
#include "tests/tiers/memcached/harness.h"

namespace meridian {
namespace {

using memcached::GetEnd;
using memcached::RemovalEnd;
using memcached::WriteEnd;
using test::Bed;
using test::FakeServer;

// One fake server, on the loop of the tier.
struct Pair {
  explicit Pair(memcached::Options options = {}) { bed.open({server.address()}, std::move(options)); }
  Bed bed;
  FakeServer server{*bed.loop};
};

TEST(MemcachedTier, ManyQuestionsOfOneTurnAreAnsweredEachWithItsOwn) {
  Pair t;
  for (int i = 0; i < 100; i += 2)
    ASSERT_TRUE(t.bed.put("key " + std::to_string(i), 1, static_cast<std::size_t>(i) * 500));
  std::vector<std::unique_ptr<test::Asked>> all;
  for (int i = 0; i < 100; ++i) all.push_back(t.bed.ask("key " + std::to_string(i)));
  ASSERT_TRUE(t.bed.settle());
  for (int i = 0; i < 100; ++i) {
    const auto& asked = *all[static_cast<std::size_t>(i)];
    EXPECT_EQ(asked.calls, 1);
    ASSERT_EQ(static_cast<bool>(asked.object), i % 2 == 0) << i;
    EXPECT_TRUE(!asked.object || test::is_whole(*asked.object, "key " + std::to_string(i)));
  }
  EXPECT_EQ(t.server.connections(), 1U);
}

TEST(MemcachedTier, IsToldHowLongToKeepIt) {
  Pair t({.keep_stale_s = 100});
  ObjectMeta meta;
  meta.response_time_s = t.bed.clock.wall_ms() / 1000 - 10;
  meta.lifetime_s = 60;
  t.bed.tier->put(Object::make("key", meta, "head", {}));
  ASSERT_TRUE(t.bed.settle());
  const std::string key(memcached::WireKey("key").view());
  const std::string size = std::to_string(memcached::kFixedBytes + 7);
  EXPECT_EQ(t.server.requests().back(), "set " + key + " 0 150 " + size);

  // One that is of no more use is not written, and what was there goes.
  meta.response_time_s -= 200;
  t.bed.tier->put(Object::make("key", meta, "head", {}));
  ASSERT_TRUE(t.bed.settle());
  EXPECT_EQ(t.server.requests().back(), "delete " + key);
  EXPECT_EQ(t.bed.tier->stats().rejections, 1U);
}

TEST(MemcachedTier, ADroppedLookupIsNotAnsweredAndHarmsNoOther) {
  Pair t;
  ASSERT_TRUE(t.bed.put("one") && t.bed.put("two"));
  t.server.hold = true;
  const auto dropped = t.bed.ask("one");
  const auto kept = t.bed.ask("two");
  ASSERT_TRUE(test::drive(*t.bed.loop, [&] { return t.server.requests().size() == 4; }));
  dropped->running.reset();
  t.server.release();
  ASSERT_TRUE(t.bed.settle());
  EXPECT_EQ(dropped->calls, 0);
  EXPECT_TRUE(kept->object && test::is_whole(*kept->object, "two"));
  EXPECT_EQ(t.bed.gets(GetEnd::kCancelled), 1U);
  EXPECT_EQ(t.bed.fleet->server(0).late_answers, 0U);
}

TEST(MemcachedTier, WhoAsksWhileTooMuchWaitsIsToldAtOnce) {
  Pair t({.queue = 4});
  t.server.hold = true;
  std::vector<std::unique_ptr<test::Asked>> all;
  for (int i = 0; i < 10; ++i) all.push_back(t.bed.ask("key"));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)]->refused, i >= 4) << i;
  EXPECT_EQ(t.bed.gets(GetEnd::kShed), 6U);
  t.bed.tier->remove("key");
  EXPECT_EQ(t.bed.removals(RemovalEnd::kFailed), 1U);
  t.bed.tier->put(test::object_of("key", 1, 10));
  EXPECT_EQ(t.bed.writes(WriteEnd::kShed), 1U);
  ASSERT_TRUE(test::drive(*t.bed.loop, [&] { return t.server.requests().size() == 4; }));
  t.server.release();
  ASSERT_TRUE(t.bed.settle());
  EXPECT_EQ(t.bed.gets(GetEnd::kMiss), 4U);
}

TEST(MemcachedTier, AnAnswerMayEndTheTier) {
  Pair t;
  t.server.hold = true;
  int calls = 0;
  const auto end_all = [&](Ref<const Object>) {
    ++calls;
    t.bed.tier.reset();
  };
  const auto first = t.bed.tier->find("one", end_all);
  const auto second = t.bed.tier->find("two", end_all);
  ASSERT_TRUE(test::drive(*t.bed.loop, [&] { return t.server.requests().size() == 2; }));
  t.server.release();
  ASSERT_TRUE(test::drive(*t.bed.loop, [&] { return calls != 0; }));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(t.bed.fleet->server(0).waiting, 0U);
}

TEST(MemcachedTier, AFailureMayEndTheTierAndMayAskAgain) {
  for (const bool ends : {true, false}) {
    Pair t;
    t.server.hold = true;
    int calls = 0;
    std::vector<std::unique_ptr<Operation>> again;
    const auto on_answer = [&](Ref<const Object>) {
      ++calls;
      if (ends)
        t.bed.tier.reset();
      else
        again.push_back(t.bed.tier->find("again", [&](Ref<const Object>) { ++calls; }));
    };
    const auto first = t.bed.tier->find("one", on_answer);
    const auto second = t.bed.tier->find("two", on_answer);
    ASSERT_TRUE(test::drive(*t.bed.loop, [&] { return t.server.requests().size() == 2; }));
    t.server.close_all();
    t.server.hold = false;
    ASSERT_TRUE(test::drive(*t.bed.loop, [&] { return calls == (ends ? 1 : 4); }));
    EXPECT_EQ(t.bed.fleet->server(0).waiting, 0U);
  }
}

TEST(MemcachedTier, AFailureMayEndTheTierAndThenTheOtherLookups) {
  Pair t;
  t.server.hold = true;
  int calls = 0;
  std::unique_ptr<Operation> first, second;
  const auto end_all = [&](Ref<const Object>) {
    ++calls;
    t.bed.tier.reset();
    second.reset();
    first.reset();
  };
  first = t.bed.tier->find("one", end_all);
  second = t.bed.tier->find("two", end_all);
  ASSERT_TRUE(test::drive(*t.bed.loop, [&] { return t.server.requests().size() == 2; }));
  t.server.close_all();
  ASSERT_TRUE(test::drive(*t.bed.loop, [&] { return calls == 1; }));
  EXPECT_EQ(t.bed.fleet->server(0).waiting, 0U);
}

TEST(MemcachedTier, LookupsThatOutliveTheTierAreSilent) {
  Pair t;
  const auto asked = t.bed.ask("key");
  t.bed.tier.reset();
  t.bed.pass_ms(100);
  EXPECT_EQ(asked->calls, 0);
}

TEST(MemcachedTier, AWriteThatIsDeclinedFailsAndTheLineGoesOn) {
  Pair t;
  t.server.answer = [](const std::string& line) {
    return line.substr(0, 3) == "set" ? "SERVER_ERROR out of memory storing object\r\n" : "END\r\n";
  };
  for (int i = 0; i < 10; ++i) t.bed.tier->put(test::object_of("key", 1, 1000));
  ASSERT_TRUE(t.bed.settle());
  EXPECT_EQ(t.bed.writes(WriteEnd::kFailed), 10U);
  EXPECT_FALSE(t.bed.get("key"));
  EXPECT_EQ(t.bed.gets(GetEnd::kMiss), 1U);
  EXPECT_EQ(t.server.connections(), 1U);
}

TEST(MemcachedTier, NumbersReachTheRegistry) {
  Pair t;
  ASSERT_TRUE(t.bed.put("key"));
  EXPECT_TRUE(t.bed.get("key"));
  t.bed.tier->refresh();
  ASSERT_TRUE(t.bed.settle());
  EXPECT_EQ(t.bed.tier->stats().objects, 1U);
  const auto registry = stats::Registry::create(stats::Program::kEdge, "0");
  const auto source = registry->add_source(
      [&](stats::Scrape& scrape) { t.bed.fleet->report(scrape, t.bed.clock.mono_ms()); });
  const std::string text = registry->text();
  const std::string server = t.server.address().name();
  for (const std::string& line : {"gets_total{server=\"" + server + "\",result=\"hit\"} 1",
                                  "writes_total{server=\"" + server + "\",result=\"stored\"} 1",
                                  "breaker{server=\"" + server + "\",state=\"closed\"} 1"}) {
    EXPECT_NE(text.find("meridian_edge_memcached_" + line), std::string::npos) << line << "\n" << text;
  }
}

TEST(MemcachedTier, AsksTheServersHowTheyAreFromTimeToTime) {
  Pair t({.stats_interval_ms = 1000});
  t.server.answer = [](const std::string& line) {
    return std::string(line == "stats" ? "STAT bytes 7\r\nSTAT limit_maxbytes 9\r\nEND\r\n" : "END\r\n");
  };
  MemcachedTier other(*t.bed.loop, *t.bed.resolver, *t.bed.fleet);
  t.bed.pass_ms(1010);
  ASSERT_TRUE(test::drive(*t.bed.loop, [&] { return t.bed.tier->stats().bytes == 7; }));
  EXPECT_EQ(t.bed.tier->stats().capacity_bytes, 9U);
  EXPECT_EQ(t.server.requests().size(), 1U) << "one worker asks for all";
}

}  // namespace
}  // namespace meridian
