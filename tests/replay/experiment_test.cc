#include "bench/replay/experiment.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "bench/replay/generators.h"
#include "bench/replay/report.h"
#include "edge/tiers/adaptive_fifo.h"
#include "tests/replay/traces.h"

namespace meridian::replay {
namespace {

using test::trace_of;

const Mix& mix_of(std::string_view name) {
  for (const Mix& mix : mixes()) {
    if (mix.name == name) return mix;
  }
  std::abort();
}

TEST(Generators, TheSameSeedGivesTheSameTrace) {
  for (const Mix& mix : mixes()) {
    const Trace first = generate(mix, 1000, 20'000, 7);
    const Trace second = generate(mix, 1000, 20'000, 7);
    const Trace other = generate(mix, 1000, 20'000, 8);
    ASSERT_EQ(first.requests.size(), 20'000U);
    EXPECT_EQ(first.object_bytes, second.object_bytes);
    bool same = true, same_as_other = true;
    for (std::size_t i = 0; i < first.requests.size(); ++i) {
      same = same && first.requests[i].id == second.requests[i].id;
      same_as_other = same_as_other && first.requests[i].id == other.requests[i].id;
      ASSERT_LT(first.requests[i].id, first.object_bytes.size());
    }
    EXPECT_TRUE(same);
    EXPECT_FALSE(same_as_other) << mix.name;
  }
}

TEST(Generators, HaveTheirShares) {
  const auto objects_of = [](std::string_view name) {
    return generate(mix_of(name), 10'000, 100'000, 1).object_bytes.size();
  };
  EXPECT_LE(objects_of("zipf-1.0"), 10'000U);
  EXPECT_NEAR(static_cast<double>(objects_of("cdn")), 50'000 + 7000, 5000) << "half of them wonders";
  EXPECT_GT(objects_of("churn"), objects_of("zipf-heavy") + 3000);
  const Trace mixed = generate(mix_of("mixed"), 10'000, 100'000, 1);
  std::size_t short_lived = 0;
  for (const Request& request : mixed.requests) short_lived += request.ttl_s > 0 ? 1U : 0U;
  EXPECT_NEAR(static_cast<double>(short_lived), 5000, 3500);
}

// The promise of section 5 at a size that every test run can afford; meridian-replay --check has the full
// one.
TEST(Experiment, OursIsTheBestOnlinePolicyOrCloseToIt) {
  Settings settings;
  settings.sizes = {{0.01, 0}, {0.1, 0}};
  settings.policies = {"meridian", "lru", "fifo", "arc", "w-tinylfu", "sieve", "s3-fifo"};
  std::vector<Row> rows;
  for (const Mix& mix : mixes()) {
    const Trace trace = generate(mix, 10'000, 150'000, 3);
    for (Row& row : compare(trace, settings)) rows.push_back(std::move(row));
  }
  for (const std::string& missed : misses(rows, {1.5, 2.0})) ADD_FAILURE() << missed;
}

TEST(Experiment, NobodyPassesTheBound) {
  Settings settings;
  settings.sizes = {{0.05, 0}, {0, 3'000'000}};
  settings.jobs = 2;
  for (const char* name : {"cdn", "mixed"}) {
    for (const Row& row : compare(generate(mix_of(name), 3000, 30'000, 5), settings)) {
      ASSERT_EQ(row.names.back(), "bound");
      for (const Ratios& ratios : row.ratios) {
        EXPECT_LE(ratios.hits, row.ratios.back().hits + 1e-9);
        EXPECT_LE(ratios.bytes, row.ratios.back().bytes + 1e-9);
        EXPECT_GT(ratios.hits, 0);
      }
    }
  }
}

TwoLevel::Options two_levels(AdmissionKind kind, std::uint64_t ram, std::uint64_t ssd) {
  TwoLevel::Options options;
  options.ram_bytes = ram;
  options.max_ram_share = 1;
  options.ssd_bytes = ssd;
  options.eviction = std::make_unique<AdaptiveFifo>(AdaptiveFifo::Options{});
  options.admission = make_admission_policy(kind, 10'000);
  options.keep = [](unsigned uses, std::uint64_t, double share, double) { return uses > 0 && share < 0.5; };
  return options;
}

TEST(TwoLevel, WithRoomForAllEverySecondRequestForAnObjectIsAHit) {
  const Trace trace = generate(mix_of("zipf-heavy"), 2000, 50'000, 2);
  auto options = two_levels(AdmissionKind::kAll, 10'000'000, 100 * trace.footprint_bytes());
  const TwoLevel::Counts counts = TwoLevel(trace, std::move(options)).run(0);
  EXPECT_EQ(counts.requests, 50'000);
  EXPECT_EQ(counts.ram_hits + counts.ssd_hits, 50'000 - static_cast<double>(trace.object_bytes.size()));
  EXPECT_GT(counts.ssd_hits, 0);
  EXPECT_LE(counts.written_bytes, static_cast<double>(trace.footprint_bytes())) << "nothing is written twice";
  EXPECT_EQ(counts.reinserted_bytes, 0);
}

TEST(TwoLevel, TheBudgetBoundsWhatIsWritten) {
  const Trace trace = generate(mix_of("mixed"), 2000, 100'000, 2);
  for (const AdmissionKind kind :
       {AdmissionKind::kAll, AdmissionKind::kFrequency, AdmissionKind::kSizeAware}) {
    auto options = two_levels(kind, 2'000'000, 50'000'000);
    options.write_budget = 200'000'000;
    const TwoLevel::Counts counts = TwoLevel(trace, std::move(options)).run(0);
    // An hour's worth may have been saved; what is read again is written whatever the budget says, and
    // charged.
    const double most = 200e6 * (counts.days + 1.0 / 24) + 9e6 + counts.reinserted_bytes;
    EXPECT_LE(counts.written_bytes, most) << make_admission_policy(kind, 1)->name();
    EXPECT_GT(counts.written_bytes, 0);
    EXPECT_GT(counts.ssd_hits, 0);
  }
}

TEST(TwoLevel, ReadRecordsOutliveTheirSegment) {
  // A popular object that RAM has no room for, and a stream of others that goes through the log.
  std::vector<ObjectId> ids;
  std::vector<std::uint64_t> bytes = {500};
  for (ObjectId id = 1; id <= 3000; ++id) {
    ids.push_back(id);
    ids.push_back(0);
    bytes.push_back(400);
  }
  const Trace trace = trace_of(ids, bytes);
  auto options = two_levels(AdmissionKind::kAll, 100, 10'000);
  options.segment_bytes = 1000;
  const TwoLevel::Counts counts = TwoLevel(trace, std::move(options)).run(0);
  EXPECT_EQ(counts.ssd_hits, 2999) << "every request for it but the first";
  EXPECT_GT(counts.reinserted_bytes, 0);
  EXPECT_EQ(counts.ram_hits, 0);
}

TEST(TwoLevel, WhatSsdServesTwiceIsPromoted) {
  const Trace trace = trace_of({0, 1, 2, 0, 0, 0, 0}, {10, 10, 10});
  auto options = two_levels(AdmissionKind::kAll, 20, 1000);
  const TwoLevel::Counts counts = TwoLevel(trace, std::move(options)).run(0);
  EXPECT_EQ(counts.ssd_hits, 2);
  EXPECT_EQ(counts.ram_hits, 2);
}

TEST(TwoLevel, WhatComesAgainLateIsNotPromoted) {
  // Two objects of SSD in turn, which keep each other out of a window that is smaller than either.
  std::vector<ObjectId> ids = {0, 1, 2, 3};
  for (int i = 0; i < 10; ++i) ids.insert(ids.end(), {0, 1});
  const Trace trace = trace_of(ids, {10, 10, 10, 10});
  for (const double window : {0.25, 1.0}) {
    auto options = two_levels(AdmissionKind::kAll, 20, 1000);
    options.promotion_window = window;
    const TwoLevel::Counts counts = TwoLevel(trace, std::move(options)).run(0);
    EXPECT_EQ(counts.promotions > 0, window == 1.0);
    EXPECT_EQ(counts.ram_hits > 0, window == 1.0);
  }
}

TEST(TwoLevel, AStaleObjectIsFetchedAgain) {
  Trace trace = trace_of({0, 0, 0, 0}, {10});
  for (Request& request : trace.requests) request.ttl_s = 2;
  const TwoLevel::Counts counts = TwoLevel(trace, two_levels(AdmissionKind::kAll, 100, 1000)).run(0);
  EXPECT_EQ(counts.ram_hits, 2);
}

Row row_of(double ours, double other, double seer) {
  return {"t",
          0.01,
          100,
          {"meridian", "lru", "belady"},
          {Contender::Kind::kOnline, Contender::Kind::kOnline, Contender::Kind::kKnowsFuture},
          {{ours, 0.5}, {other, 0.5}, {seer, 0.9}}};
}

TEST(Report, BarsAreForOnlinePoliciesOnly) {
  EXPECT_TRUE(misses({row_of(0.5, 0.505, 0.9)}, {1, 1}).empty());
  EXPECT_EQ(misses({row_of(0.5, 0.52, 0.9)}, {1, 1}).size(), 1U);
  EXPECT_TRUE(misses({row_of(0.5, 0.52, 0.9)}, {2.1, 1}).empty());
}

TEST(Report, IsJsonTablesAndADrawing) {
  Settings settings;
  settings.sizes = {{0.01, 0}, {0.1, 0}};
  const Trace trace = generate(mix_of("cdn"), 1000, 10'000, 1);
  Results results;
  results.rows = compare(trace, settings);
  SsdSettings ssd;
  ssd.ram = {0.01, 0};
  ssd.ssd = {0.1, 0};
  ssd.admissions = {AdmissionKind::kAll, AdmissionKind::kFrequency};
  ssd.budget_share = 0.3;
  results.ssd_rows = compare_admission(trace, ssd);
  ASSERT_EQ(results.ssd_rows.size(), 4U);
  EXPECT_GT(results.ssd_rows[2].write_budget, 0U);
  const auto json = nlohmann::json::parse(json_of(results), nullptr, false);
  ASSERT_FALSE(json.is_discarded());
  EXPECT_EQ(json["eviction"].size(), 2U);
  EXPECT_EQ(json["eviction"][0]["policies"].size(), contenders().size());
  EXPECT_EQ(json["admission"][1]["admission"], "frequency");
  const std::string table = table_of(results.rows);
  const std::string svg = svg_of(results.rows);
  for (const Contender& contender : contenders()) {
    EXPECT_NE(table.find(contender.name), std::string::npos);
    EXPECT_NE(svg.find(contender.name), std::string::npos);
  }
  EXPECT_NE(table_of(results.ssd_rows).find("frequency"), std::string::npos);
}

TEST(Report, AnOddNameOfATraceDoesNoHarm) {
  Row row = row_of(0.5, 0.5, 0.9);
  row.trace = "<script>\xff\"&";
  EXPECT_EQ(svg_of({row}).find("<script>"), std::string::npos);
  EXPECT_FALSE(nlohmann::json::parse(json_of({{row}, {}}), nullptr, false).is_discarded());
}

TEST(Report, ReadsTheBars) {
  EXPECT_TRUE(read_bars(MERIDIAN_SOURCE_DIR "/bench/bars.json"));
  EXPECT_FALSE(read_bars("/there/is/no/such/file"));
}

}  // namespace
}  // namespace meridian::replay
