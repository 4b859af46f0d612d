#include "lib/wire/event.h"

#include <gtest/gtest.h>

#include "lib/wire/purge.h"

namespace meridian::wire {
namespace {

Event delta() {
  Event event;
  event.type = Event::Type::kDelta;
  event.epoch = 3, event.seq = 121, event.prev = 119, event.chain = 0xff, event.time_ms = 1'700'000'000'123;
  event.kind = "purge";
  event.body = serialize(Purge{PurgeMode::kHard, {{PurgeScope::kTag, "a", ""}}});
  return event;
}

TEST(Event, IsReadAsItWasWritten) {
  const std::string line = serialize(delta());
  EXPECT_EQ(
      line,
      R"({"event":"delta","epoch":3,"seq":121,"prev":119,"chain":"00000000000000ff","time_ms":1700000000123,)"
      R"("kind":"purge","payload":{"mode":"hard","targets":[{"tag":"a"}]}})");
  EXPECT_EQ(*parse_event(line), delta());
  Event snapshot;
  snapshot.type = Event::Type::kSnapshot;
  snapshot.seq = 7, snapshot.body = R"({"purges":[]})";
  EXPECT_EQ(*parse_event(serialize(snapshot)), snapshot);
  Event heartbeat;
  heartbeat.epoch = UINT64_MAX;
  EXPECT_EQ(*parse_event(serialize(heartbeat)), heartbeat);
}

TEST(Event, WhatALaterVersionAddsIsPassedOver) {
  EXPECT_TRUE(parse_event(
      R"({"event":"heartbeat","epoch":1,"seq":2,"chain":"0000000000000000","time_ms":3,"load":0.5})"));
}

TEST(Event, WhatIsBrokenIsRefused) {
  // One by one, each wrong in one thing; the first two lines are what is right about them.
  const std::string rest = R"("epoch":1,"chain":"0000000000000000","time_ms":3)";
  const std::string kind = R"("kind":"x","payload":{})";
  ASSERT_TRUE(parse_event(R"({"event":"heartbeat","seq":2,)" + rest + "}"));
  ASSERT_TRUE(parse_event(R"({"event":"delta","seq":2,"prev":1,)" + rest + "," + kind + "}"));
  for (const std::string& bad :
       {std::string(), std::string("{}"), std::string("[]"), R"({"event":"news","seq":2,)" + rest + "}",
        R"({"event":"heartbeat","seq":-2,)" + rest + "}", R"({"event":"heartbeat",)" + rest + "}",
        R"({"event":"delta","seq":2,"prev":1,)" + rest + R"(,"kind":"x"})",
        R"({"event":"delta","seq":2,"prev":2,)" + rest + "," + kind + "}",
        R"({"event":"delta","seq":2,)" + rest + "," + kind + "}",
        R"({"event":"delta","seq":2,"prev":1,)" + rest + R"(,"kind":"","payload":{}})",
        R"({"event":"delta","seq":2,"prev":1,)" + rest + R"(,"kind":"x","payload":[]})",
        R"({"event":"snapshot","seq":2,)" + rest + "}"}) {
    EXPECT_FALSE(parse_event(bad)) << bad;
  }
  for (const std::string_view chain : {"00", "00000000000000FF", "000000000000000g", "+000000000000001"}) {
    EXPECT_FALSE(parse_event(R"({"event":"heartbeat","seq":2,"epoch":1,"time_ms":3,"chain":")" +
                             std::string(chain) + "\"}"))
        << chain;
  }
}

TEST(Chain, TellsHistoriesApart) {
  const std::uint64_t one = next_chain(0, 1, "purge", "{}");
  EXPECT_EQ(one, next_chain(0, 1, "purge", "{}"));
  EXPECT_NE(one, next_chain(1, 1, "purge", "{}"));
  EXPECT_NE(one, next_chain(0, 2, "purge", "{}"));
  EXPECT_NE(one, next_chain(0, 1, "purg", "e{}"));
  EXPECT_NE(next_chain(next_chain(0, 1, "a", "x"), 2, "a", "y"),
            next_chain(next_chain(0, 1, "a", "y"), 2, "a", "x"));
  // The same in every version: edges keep it on disk.
  EXPECT_EQ(chain_text(next_chain(0, 1, "purge", "{}")), "ba8780fa63592f18");
  EXPECT_EQ(*parse_chain(chain_text(0x0123456789abcdefULL)), 0x0123456789abcdefULL);
}

}  // namespace
}  // namespace meridian::wire
