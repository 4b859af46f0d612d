#include "origin/server/faults.h"

#include <gtest/gtest.h>

#include "lib/base/clock.h"

namespace meridian::origin {
namespace {

using config::FaultConfig;
using config::FaultCut;
using config::FaultPoint;

FaultConfig rule(const std::string& name) {
  FaultConfig fault;
  fault.name = name;
  return fault;
}

FaultPlan plan(const FaultTable& table, std::string_view path = "/x", std::int64_t now_ms = 1000,
               std::uint64_t seed = 1, std::string_view method = "GET") {
  Dice dice(seed);
  return plan_faults(*table.view(), method, path, now_ms, dice);
}

TEST(Faults, HitTheirPathsAndMethods) {
  FaultTable table;
  FaultConfig fault = rule("f");
  fault.path = "/api/*";
  fault.methods = {"GET", "PUT"};
  fault.status = 503;
  ASSERT_TRUE(table.set({fault}, 0).has_value());
  EXPECT_EQ(plan(table, "/api/x").status, 503);
  EXPECT_EQ(plan(table, "/api/x/y").status, 0);
  EXPECT_EQ(plan(table, "/api/x", 1000, 1, "PUT").status, 503);
  EXPECT_EQ(plan(table, "/api/x", 1000, 1, "HEAD").status, 0);
}

TEST(Faults, EndAfterTheirCount) {
  FaultTable table;
  FaultConfig fault = rule("f");
  fault.status = 500;
  fault.count = 2;
  ASSERT_TRUE(table.set({fault}, 0).has_value());
  EXPECT_EQ(plan(table).status, 500);
  EXPECT_EQ(plan(table).status, 500);
  EXPECT_EQ(plan(table).status, 0);
  EXPECT_EQ(table.view()->front()->hits.load(), 2U);
  // Set again, it counts anew.
  ASSERT_TRUE(table.set({fault}, 0).has_value());
  EXPECT_EQ(table.view()->size(), 1U);
  EXPECT_EQ(plan(table).status, 500);
}

TEST(Faults, HitTheirShareOfRequests) {
  FaultTable table;
  FaultConfig fault = rule("f");
  fault.status = 500;
  fault.probability = 0.25;
  ASSERT_TRUE(table.set({fault}, 0).has_value());
  Dice dice(42);
  int hits = 0;
  for (int i = 0; i < 10'000; ++i)
    hits += plan_faults(*table.view(), "GET", "/", 0, dice).status == 500 ? 1 : 0;
  EXPECT_NEAR(hits, 2500, 200) << "seed 42";
  const FaultPlan first = plan(table, "/", 0, 7);
  EXPECT_EQ(first.status, plan(table, "/", 0, 7).status) << "the same seed decides the same";
}

TEST(Faults, FlapFromWhenTheyWereSet) {
  FaultTable table;
  FaultConfig fault = rule("f");
  fault.status = 503;
  fault.up_ms = 100;
  fault.down_ms = 50;
  ASSERT_TRUE(table.set({fault}, 1000).has_value());
  for (const std::int64_t up : {1000, 1099, 1150, 1249}) EXPECT_EQ(plan(table, "/", up).status, 0) << up;
  for (const std::int64_t down : {1100, 1149, 1250, 1299})
    EXPECT_EQ(plan(table, "/", down).status, 503) << down;
}

TEST(Faults, AddUp) {
  FaultTable table;
  FaultConfig slow = rule("slow");
  slow.delay_ms = 100;
  FaultConfig slower = rule("slower");
  slower.delay_ms = 20;
  slower.jitter_ms = 10;
  slower.rate_bytes_per_s = 500;
  FaultConfig narrow = rule("narrow");
  narrow.rate_bytes_per_s = 400;
  narrow.cut = FaultCut::kReset;
  narrow.at = FaultPoint::kBody;
  narrow.after_bytes = 7;
  FaultConfig late = rule("late");
  late.cut = FaultCut::kHang;
  late.status = 500;
  FaultConfig pause = rule("pause");
  pause.delay_ms = 5;
  pause.at = FaultPoint::kBody;
  pause.after_bytes = 3;
  ASSERT_TRUE(table.set({slow, slower, narrow, late, pause}, 0).has_value());
  const FaultPlan all = plan(table);
  EXPECT_GE(all.head_delay_ms, 120);
  EXPECT_LE(all.head_delay_ms, 130);
  EXPECT_EQ(all.rate_bytes_per_s, 400U);
  EXPECT_EQ(all.cut, FaultCut::kReset);
  EXPECT_TRUE(all.cut_in_body);
  EXPECT_EQ(all.cut_at, 7U);
  EXPECT_EQ(all.status, 500);
  EXPECT_EQ(all.body_delay_ms, 5);
  EXPECT_EQ(all.body_delay_at, 3U);
  EXPECT_TRUE(all.has(stats::OriginFault::kDelay));
  EXPECT_TRUE(all.has(stats::OriginFault::kReset));
  EXPECT_FALSE(all.has(stats::OriginFault::kHang));
}

TEST(Faults, TruncateIsAlwaysInTheBody) {
  FaultTable table;
  FaultConfig fault = rule("f");
  fault.cut = FaultCut::kTruncate;
  ASSERT_TRUE(table.set({fault}, 0).has_value());
  EXPECT_TRUE(plan(table).cut_in_body);
}

TEST(Faults, AreRemovedByNameAndAltogether) {
  FaultTable table;
  FaultView view(table);
  EXPECT_TRUE(view.faults().empty());
  ASSERT_TRUE(table.set({rule("a"), rule("b")}, 0).has_value());
  EXPECT_EQ(view.faults().size(), 2U);
  EXPECT_TRUE(table.remove("a"));
  EXPECT_FALSE(table.remove("a"));
  EXPECT_EQ(view.faults().size(), 1U);
  ASSERT_TRUE(table.replace_all({rule("c")}, 0).has_value());
  EXPECT_EQ(view.faults().front()->rule.name, "c");
  table.clear();
  EXPECT_TRUE(view.faults().empty());
}

TEST(Faults, AreBounded) {
  FaultTable table;
  std::vector<FaultConfig> many;
  for (std::size_t i = 0; i <= FaultTable::kMaxFaults; ++i) many.push_back(rule("f" + std::to_string(i)));
  const auto refused = table.set(many, 0);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kTooLarge);
  EXPECT_TRUE(table.view()->empty()) << "all or none";
}

}  // namespace
}  // namespace meridian::origin
