#include "lib/stats/registry.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <thread>

#include "lib/base/check.h"
#include "lib/stats/table.h"

namespace meridian::stats {
namespace {

// The value on the line that begins with `series` and a space; -1 when there is no such line.
double value_of(const std::string& text, const std::string& series) {
  const std::string start = "\n" + series + " ";
  const std::size_t at = ("\n" + text).find(start);
  return at == std::string::npos ? -1 : std::stod(text.substr(at + start.size() - 1));
}

TEST(Registry, CountsUnderLabels) {
  const auto registry = Registry::create(Program::kEdge, "1.2.3");
  Sheet& sheet = registry->add_sheet();
  sheet.add(kRequests, CacheResult::kHit, status_class(200));
  sheet.add(kRequests, CacheResult::kHit, status_class(204));
  sheet.add(kRequests, CacheResult::kPass, status_class(0));
  sheet.add_n(kBytesOut, 1500);
  const std::string text = registry->text();
  EXPECT_EQ(value_of(text, R"(meridian_edge_requests_total{result="hit",status="2xx"})"), 2);
  EXPECT_EQ(value_of(text, R"(meridian_edge_requests_total{result="pass",status="aborted"})"), 1);
  EXPECT_EQ(value_of(text, R"(meridian_edge_requests_total{result="miss",status="5xx"})"), 0);
  EXPECT_EQ(value_of(text, "meridian_edge_client_sent_bytes_total"), 1500);
  EXPECT_EQ(value_of(text, R"(meridian_build_info{program="meridian-edge",version="1.2.3"})"), 1);
  EXPECT_NE(text.find("# TYPE meridian_edge_requests_total counter"), std::string::npos);
  EXPECT_NE(text.find("# HELP meridian_edge_connections "), std::string::npos);
}

TEST(Registry, SumsSheetsOfSeveralThreads) {
  const auto registry = Registry::create(Program::kEdge, "v");
  constexpr int kThreads = 4;
  constexpr int kRounds = 20'000;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    Sheet& sheet = registry->add_sheet();
    threads.emplace_back([&sheet] {
      for (int round = 0; round < kRounds; ++round) sheet.add(kCollapsed);
    });
  }
  // Scrapes while they count; what they see only ever grows.
  double last = 0;
  for (int i = 0; i < 20; ++i) {
    const double seen = value_of(registry->text(), "meridian_edge_collapsed_total");
    EXPECT_GE(seen, last);
    last = seen;
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(value_of(registry->text(), "meridian_edge_collapsed_total"), kThreads * kRounds);
}

TEST(Registry, LevelsMoveUpAndDownAcrossSheets) {
  const auto registry = Registry::create(Program::kEdge, "v");
  Sheet& a = registry->add_sheet();
  Sheet& b = registry->add_sheet();
  a.change(kConnections, +3, Transport::kTls);
  b.change(kConnections, -2, Transport::kTls);
  EXPECT_EQ(value_of(registry->text(), R"(meridian_edge_connections{transport="tls"})"), 1);
  b.change(kConnections, -1, Transport::kTls);
  EXPECT_EQ(value_of(registry->text(), R"(meridian_edge_connections{transport="tls"})"), 0);
}

TEST(Registry, HistogramBucketsAreCumulativeAndScaled) {
  const auto registry = Registry::create(Program::kEdge, "v");
  Sheet& sheet = registry->add_sheet();
  sheet.observe(kRequestDuration, 100, CacheResult::kHit);         // on the first bound: inside it
  sheet.observe(kRequestDuration, 101, CacheResult::kHit);         // just above
  sheet.observe(kRequestDuration, -5, CacheResult::kHit);          // a clock went back: zero
  sheet.observe(kRequestDuration, 90'000'000, CacheResult::kHit);  // above all bounds
  const std::string text = registry->text();
  const std::string name = "meridian_edge_request_duration_seconds";
  EXPECT_EQ(value_of(text, name + R"(_bucket{result="hit",le="0.0001"})"), 2);
  EXPECT_EQ(value_of(text, name + R"(_bucket{result="hit",le="0.00025"})"), 3);
  EXPECT_EQ(value_of(text, name + R"(_bucket{result="hit",le="60"})"), 3);
  EXPECT_EQ(value_of(text, name + R"(_bucket{result="hit",le="+Inf"})"), 4);
  EXPECT_EQ(value_of(text, name + R"(_count{result="hit"})"), 4);
  EXPECT_NEAR(value_of(text, name + R"(_sum{result="hit"})"), 90.000201, 1e-6);
  EXPECT_EQ(text.find(name + R"(_count{result="miss"})"), std::string::npos);
  EXPECT_EQ(value_of(text, "meridian_edge_stored_object_bytes_count"), 0);
}

TEST(Registry, RegisteredLabelsAreNamedAndBounded) {
  enum class Reason : std::uint8_t { kNone, kPrivate };
  const auto registry = Registry::create(Program::kEdge, "v");
  const std::string_view names[] = {"stored", "private"};
  registry->register_labels(LabelSet::kNotStoredReason, names);
  Sheet& sheet = registry->add_sheet();
  sheet.add(kNotStored, label<NotStoredReason>(Reason::kPrivate));
  const std::string text = registry->text();
  EXPECT_EQ(value_of(text, R"(meridian_edge_not_stored_total{reason="private"})"), 1);
  EXPECT_EQ(value_of(text, R"(meridian_edge_not_stored_total{reason="stored"})"), 0);
  EXPECT_EQ(text.find(R"(meridian_edge_not_stored_total{reason="other"})"), std::string::npos);
  sheet.add(kNotStored, static_cast<NotStoredReason>(200));
  EXPECT_EQ(value_of(registry->text(), R"(meridian_edge_not_stored_total{reason="other"})"), 1);
}

TEST(Registry, SourcesAreAskedAtEachScrapeUntilDropped) {
  const auto registry = Registry::create(Program::kEdge, "v");
  double objects = 1;
  auto source = registry->add_source([&](Scrape& scrape) {
    scrape.set(Sourced::kCacheObjects, objects, {"ram"});
    scrape.set(Sourced::kOriginRequests, 5, {"www", "http://a\"b\\c\n"});
  });
  auto other = registry->add_source([](Scrape& scrape) { scrape.set(Sourced::kCacheObjects, 10, {"ram"}); });
  EXPECT_EQ(value_of(registry->text(), R"(meridian_edge_cache_objects{tier="ram"})"), 11);
  objects = 2;
  const std::string text = registry->text();
  EXPECT_EQ(value_of(text, R"(meridian_edge_cache_objects{tier="ram"})"), 12);
  EXPECT_EQ(value_of(text, R"(meridian_edge_origin_requests_total{site="www",target="http://a\"b\\c\n"})"),
            5);
  EXPECT_NE(text.find("# TYPE meridian_edge_origin_requests_total counter"), std::string::npos);
  source.reset();
  EXPECT_EQ(value_of(registry->text(), R"(meridian_edge_cache_objects{tier="ram"})"), 10);
}

TEST(Registry, ASourceWithWrongLabelsIsCountedAsABug) {
  const auto registry = Registry::create(Program::kEdge, "v");
  const std::uint64_t before = bug_count();
  auto few = registry->add_source([](Scrape& scrape) { scrape.set(Sourced::kOriginRequests, 1, {"www"}); });
  auto many = registry->add_source([](Scrape& scrape) { scrape.set(Sourced::kWorkers, 1, {"x"}); });
  const std::string text = registry->text();
  EXPECT_EQ(text.find("meridian_edge_origin_requests_total"), std::string::npos);
  EXPECT_EQ(text.find("meridian_edge_workers"), std::string::npos);
  EXPECT_EQ(bug_count(), before + 2);
}

TEST(Registry, EachProgramShowsItsOwnMetrics) {
  const auto registry = Registry::create(Program::kOrigin, "v");
  const std::string text = registry->text();
  EXPECT_EQ(text.find("meridian_edge_"), std::string::npos);
  EXPECT_NE(text.find("meridian_origin_requests_total"), std::string::npos);
  EXPECT_NE(text.find("meridian_build_info"), std::string::npos);
}

TEST(Registry, TellsOfTheProcess) {
  const std::string text = Registry::create(Program::kEdge, "v")->text();
  EXPECT_GT(value_of(text, "process_resident_memory_bytes"), 1e6);
  EXPECT_GE(value_of(text, "process_virtual_memory_bytes"), value_of(text, "process_resident_memory_bytes"));
  EXPECT_GE(value_of(text, "process_open_fds"), 3);
  EXPECT_GE(value_of(text, "process_max_fds"), value_of(text, "process_open_fds"));
  EXPECT_GE(value_of(text, "process_threads"), 1);
  EXPECT_GT(value_of(text, "process_start_time_seconds"), 1.5e9);
  EXPECT_GE(value_of(text, "process_cpu_seconds_total"), 0);
}

// https://prometheus.io/docs/practices/naming: what promtool check metrics would say.
TEST(MetricTable, NamesFollowTheConventions) {
  std::set<std::string_view> names;
  const std::regex shape("(meridian_(edge_|origin_)?|process_)[a-z][a-z0-9_]*[a-z0-9]");
  for (const MetricRow& row : metric_table()) {
    const std::string name(row.name);
    SCOPED_TRACE(name);
    EXPECT_TRUE(names.insert(row.name).second) << "declared twice";
    EXPECT_TRUE(std::regex_match(name, shape));
    EXPECT_EQ(name.ends_with("_total"), row.type == MetricType::kCounter);
    EXPECT_GT(row.help.size(), 10U);
    EXPECT_EQ(row.help.back(), '.');
    if (row.type == MetricType::kHistogram) {
      EXPECT_TRUE(name.ends_with("_seconds") || name.ends_with("_bytes"));
      EXPECT_EQ(name.ends_with("_seconds"), row.scale > 1);
      for (std::size_t i = 1; i < row.bounds.size(); ++i) EXPECT_LT(row.bounds[i - 1], row.bounds[i]);
    }
  }
}

TEST(MetricTable, RowsAndHandlesAgree) {
  EXPECT_EQ(row_of(Sourced::kProcessThreads).name, "process_threads");
  EXPECT_EQ(row_of(Sourced::kCacheObjects).name, "meridian_edge_cache_objects");
  std::size_t next_cell = 0;
  for (const MetricRow& row : metric_table()) {
    if (row.sourced) continue;
    EXPECT_EQ(row.first, next_cell) << row.name;
    std::size_t cells = row.type == MetricType::kHistogram ? row.bounds.size() + 2 : 1;
    for (std::size_t i = 0; i < row.set_count; ++i) cells *= label_row(row.sets[i]).most;
    next_cell += cells;
  }
  EXPECT_EQ(next_cell, Sheet::kCells);
}

}  // namespace
}  // namespace meridian::stats
