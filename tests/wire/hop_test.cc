#include "lib/wire/hop.h"

#include <gtest/gtest.h>

#include "lib/wire/cdn_loop.h"
#include "lib/wire/parameters.h"

namespace meridian::wire {
namespace {

HopAsk whole_ask() {
  return {.role = HopRole::kShield,
          .edge = "edge-1",
          .region = "eu-west",
          .least_seq = 12345,
          .client = "2001:db8::1",
          .scheme = "https",
          .request_id = "id \"7\""};
}

TEST(HopAsk, IsReadAsItWasWritten) {
  const auto value = serialize(whole_ask());
  EXPECT_EQ(value,
            "role=shield;edge=edge-1;region=eu-west;least-seq=12345;client=\"2001:db8::1\";scheme=https;"
            "id=\"id \\\"7\\\"\"");
  EXPECT_EQ(parse_hop_ask(*value), whole_ask());
  const HopAsk small{.role = HopRole::kPeer, .edge = "a"};
  EXPECT_EQ(serialize(small), "role=peer;edge=a;least-seq=0");
  EXPECT_EQ(parse_hop_ask(*serialize(small)), small);
}

TEST(HopAsk, WhatCannotBeSaidIsNotSaid) {
  HopAsk ask = whole_ask();
  ask.request_id = "a\r\nb";
  EXPECT_FALSE(serialize(ask));
  ask.request_id = std::string(kMostHopText + 1, 'x');
  EXPECT_FALSE(serialize(ask));
  ask = whole_ask();
  ask.edge = "two words";
  EXPECT_FALSE(serialize(ask));
  ask.edge = "";
  EXPECT_FALSE(serialize(ask));
  ask = whole_ask();
  ask.role = HopRole::kNone;
  EXPECT_FALSE(serialize(ask));
}

TEST(HopAsk, Reading) {
  EXPECT_TRUE(parse_hop_ask("role=peer;edge=a"));
  EXPECT_TRUE(parse_hop_ask(" role=peer ; edge=\"a\" ; later=\"new; thing\" "));
  EXPECT_EQ(parse_hop_ask("role=peer;edge=a;least-seq=18446744073709551615")->least_seq, UINT64_MAX);
  for (const std::string_view bad : {"",
                                     "role=peer",
                                     "edge=a",
                                     "role=none;edge=a",
                                     "role=boss;edge=a",
                                     "role=peer;edge=",
                                     "role=peer;edge=\"\"",
                                     "role=peer;edge=\"a b\"",
                                     "role=peer;edge=a;edge=b",
                                     "role=peer,edge=a",
                                     "role=peer;edge=a;",
                                     "role=peer;;edge=a",
                                     "role=peer;edge=a;least-seq=-1",
                                     "role=peer;edge=a;least-seq=01",
                                     "role=peer;edge=a;least-seq=1x",
                                     "role=peer;edge=a;least-seq=18446744073709551616",
                                     "role=peer;edge=a;scheme=ftp",
                                     "role=peer;edge=\"a",
                                     "role=peer;edge=\"a\\",
                                     "role=peer edge=a",
                                     "role = peer;edge=a",
                                     "role=peer;edge=a\r\n",
                                     "=peer;edge=a"}) {
    EXPECT_FALSE(parse_hop_ask(bad)) << bad;
  }
  EXPECT_FALSE(parse_hop_ask("role=peer;edge=a;client=" + std::string(300, 'x')));
  EXPECT_FALSE(parse_hop_ask("role=peer;edge=a;x=" + std::string(kMostHopBytes, 'x')));
  std::string many = "role=peer;edge=a";
  for (int i = 0; i < 20; ++i) many += ";x" + std::to_string(i) + "=1";
  EXPECT_FALSE(parse_hop_ask(many));
}

// Roles only ever grow along a request's way, so it has an end.
TEST(HopRole, NoWayComesBack) {
  constexpr HopRole kAll[] = {HopRole::kNone, HopRole::kPeer, HopRole::kShield, HopRole::kShieldPeer};
  for (const HopRole came : kAll) {
    EXPECT_FALSE(may_follow(came, HopRole::kNone));
    for (const HopRole goes : kAll) EXPECT_FALSE(may_follow(came, goes) && may_follow(goes, came));
    EXPECT_FALSE(may_follow(came, came));
  }
  EXPECT_TRUE(may_follow(HopRole::kNone, HopRole::kPeer) && may_follow(HopRole::kNone, HopRole::kShield));
  EXPECT_TRUE(may_follow(HopRole::kPeer, HopRole::kShield) &&
              may_follow(HopRole::kShield, HopRole::kShieldPeer));
}

TEST(HopFill, IsReadAsItWasWritten) {
  const HopFill fill{.fill_seq = UINT64_MAX,
                     .age_s = 5,
                     .lifetime_s = 0xFFFFFFFF,
                     .stale_revalidate_s = 7,
                     .stale_error_s = 8,
                     .may_keep = true,
                     .key_hash = 77};
  EXPECT_EQ(serialize(fill),
            "seq=18446744073709551615;age=5;lifetime=4294967295;swr=7;sie=8;keep=yes;key=77");
  EXPECT_EQ(parse_hop_fill(serialize(fill)), fill);
  EXPECT_EQ(parse_hop_fill(serialize(HopFill{})), HopFill{});
  EXPECT_FALSE(parse_hop_fill("seq=1;age=1;lifetime=1;key=1")->may_keep)
      << "what is not said may not be kept";
  for (const std::string_view bad :
       {"", "seq=1;key=1", "seq=1;age=1;key=1", "age=1;lifetime=1;key=1", "seq=1;age=1;lifetime=1",
        "seq=1;age=4294967296;lifetime=1;key=1", "seq=1;age=-1;lifetime=1;key=1",
        "seq=1;age=1;lifetime=1;key=1;keep=maybe", "seq=1;age=1;lifetime=1;key=1;seq=2",
        "seq=;age=1;lifetime=1;key=1", "seq=1;age=1;lifetime=1;key=1;swr=x",
        "seq=1;age=1;lifetime=1;key=x"}) {
    EXPECT_FALSE(parse_hop_fill(bad)) << bad;
  }
}

TEST(HopRefusal, IsNoFillAndAFillIsNoRefusal) {
  for (const HopRefusal refusal :
       {HopRefusal::kBehind, HopRefusal::kLoop, HopRefusal::kOverload, HopRefusal::kUnable}) {
    EXPECT_EQ(serialize(refusal), "refused=" + std::string(name_of(refusal)));
    EXPECT_EQ(parse_hop_refusal(serialize(refusal)), refusal);
    EXPECT_FALSE(parse_hop_fill(serialize(refusal)));
  }
  EXPECT_FALSE(parse_hop_refusal(serialize(HopFill{})));
  for (const std::string_view bad :
       {"", "refused", "refused=", "refused=no", "refused=loop;refused=loop", "refused=loop;"}) {
    EXPECT_FALSE(parse_hop_refusal(bad)) << bad;
  }
}

struct LoopCase {
  std::string_view field;
  std::optional<std::size_t> ours;
};
// The examples of RFC 8586 section 2 among them.
TEST(CdnLoop, OursAreCounted) {
  const LoopCase cases[] = {
      {"", 0},
      {"meridian", 1},
      {"foo123.foocdn.example, barcdn.example; trace=\"abcdef\"", 0},
      {"AnotherCDN; abc=123; def=\"456\", Meridian", 1},
      {"meridian, meridian;x=1 , MERIDIAN ; a=b;c=\"d\"", 3},
      {"other; hidden=\", meridian, \"", 0},
      {"other; hidden=\"\\\", meridian, \\\"\"", 0},
      {", ,meridian,,", 1},
      {"cdn.example:8080, [2001:db8::1]:443, [2001:db8::1]", 0},
      {"meridian2, xmeridian, meridian.example", 0},
      {"meridian;", std::nullopt},
      {"meridian; x", std::nullopt},
      {"meridian; x=", std::nullopt},
      {"meridian; x=\"", std::nullopt},
      {"meridian x=1", std::nullopt},
      {"\"meridian\"", std::nullopt},
      {"; x=1", std::nullopt},
      {"cdn.example:80x", std::nullopt},
      {"[::1", std::nullopt},
      {"a/b", std::nullopt},
  };
  for (const LoopCase& c : cases) EXPECT_EQ(count_in_cdn_loop(c.field, "meridian"), c.ours) << c.field;
}

TEST(CdnLoop, IsAddedAtTheEnd) {
  EXPECT_EQ(with_cdn_info("", "meridian"), "meridian");
  EXPECT_EQ(with_cdn_info("a; x=\"1,2\"", "meridian"), "a; x=\"1,2\", meridian");
  EXPECT_EQ(count_in_cdn_loop(with_cdn_info("a; x=\"1,2\"", "meridian"), "meridian"), 1U);
}

TEST(CdnLoop, MembersAndTheirParameters) {
  CdnLoopReader reader("a; x=1;y=\"z\" , [::1]:80");
  const auto first = reader.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->id, "a");
  ParameterReader parameters(first->parameters);
  ASSERT_TRUE(parameters.next());
  EXPECT_EQ(parameters.name(), "x");
  ASSERT_TRUE(parameters.next());
  EXPECT_EQ(parameters.value(), "z");
  EXPECT_FALSE(parameters.next() || parameters.is_broken());
  EXPECT_EQ(reader.next()->id, "[::1]:80");
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.is_broken());
}

}  // namespace
}  // namespace meridian::wire
