#include "bench/replay/trace_line.h"

#include <gtest/gtest.h>

#include <sstream>

#include "bench/replay/trace_reader.h"

namespace meridian::replay {
namespace {

using Kind = TraceLine::Kind;

TEST(TraceLine, PlainLines) {
  const TraceLine line = parse_trace_line("12.5 /a/b 4096 60");
  EXPECT_EQ(line.kind, Kind::kRequest);
  EXPECT_EQ(line.time_ms, 12'500);
  EXPECT_EQ(line.key, "/a/b");
  EXPECT_EQ(line.bytes, 4096U);
  EXPECT_EQ(line.ttl_s, 60U);
  EXPECT_EQ(parse_trace_line("  7\tkey  0\r").time_ms, 7000);
  EXPECT_EQ(parse_trace_line("7 {key 1").kind, Kind::kRequest);
}

TEST(TraceLine, NothingAndComments) {
  for (const char* text : {"", "  ", "\r", "# time key size", "  # x"}) {
    EXPECT_EQ(parse_trace_line(text).kind, Kind::kSkipped) << text;
  }
}

TEST(TraceLine, BadPlainLines) {
  for (const char* text : {"1", "1 key", "1 key x", "x key 1", "1 key 1 1 1", "1 key -1", "-1 key 1",
                           "1. key 1", "1.x key 1", "1 key 1 -2", "1 key 99999999999999999999", "1e3 key 1",
                           "1 key 1 1.5", "1 key 17592186044417", "1000000000001 key 1"}) {
    const TraceLine line = parse_trace_line(text);
    EXPECT_EQ(line.kind, Kind::kBad) << text;
    EXPECT_FALSE(line.problem.empty());
  }
  EXPECT_EQ(parse_trace_line("1 " + std::string(kMostKeyBytes, 'k') + " 1").kind, Kind::kRequest);
  EXPECT_EQ(parse_trace_line("1 " + std::string(kMostKeyBytes + 1, 'k') + " 1").kind, Kind::kBad);
}

constexpr const char* kJson =
    R"({"time":"2026-11-21T14:29:15.123Z","client":"::1","site":"main","method":"GET","scheme":"https",)"
    R"("host":"www.example.test","path":"/a\"b?x=1","protocol":"HTTP/1.1","status":200,"bytes":1234,)"
    R"("duration_ms":1,"cache":"hit","tier":"ram","aborted":true,"referer":"","user_agent":"curl/8"})";

TEST(TraceLine, OurJson) {
  const TraceLine line = parse_trace_line(kJson);
  EXPECT_EQ(line.kind, Kind::kRequest) << line.problem;
  EXPECT_EQ(line.time_ms, 1'795'271'355'123);
  EXPECT_EQ(line.key, "https://www.example.test/a\"b?x=1");
  EXPECT_EQ(line.bytes, 1234U);
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST(TraceLine, JsonOfRequestsThatNoCacheAnswers) {
  EXPECT_EQ(parse_trace_line(with(kJson, "GET", "POST")).kind, Kind::kSkipped);
  for (const char* cache : {"pass", "hit-for-miss", "tunnel", "local"}) {
    EXPECT_EQ(parse_trace_line(with(kJson, "\"hit\"", std::string("\"") + cache + "\"")).kind,
              Kind::kSkipped);
  }
  for (const char* cache : {"miss", "stale", "revalidated", "collapsed"}) {
    EXPECT_EQ(parse_trace_line(with(kJson, "\"hit\"", std::string("\"") + cache + "\"")).kind,
              Kind::kRequest);
  }
}

TEST(TraceLine, BrokenJson) {
  const std::string whole = kJson;
  for (std::size_t length = 1; length < whole.size(); ++length) {
    EXPECT_EQ(parse_trace_line(whole.substr(0, length)).kind, Kind::kBad) << length;
  }
  EXPECT_EQ(parse_trace_line(whole + "x").kind, Kind::kBad);
  EXPECT_EQ(parse_trace_line("{}").kind, Kind::kBad);
  EXPECT_EQ(parse_trace_line(with(kJson, "1234", "12x4")).kind, Kind::kBad);
  EXPECT_EQ(parse_trace_line(with(kJson, "1234", "01234")).kind, Kind::kBad);
  EXPECT_EQ(parse_trace_line(with(kJson, "1234", "\"1234\"")).kind, Kind::kBad);
  EXPECT_EQ(parse_trace_line(with(kJson, "1234", "-1")).kind, Kind::kBad);
  EXPECT_EQ(parse_trace_line(with(kJson, "1234", "1.5e3")).kind, Kind::kBad);
  EXPECT_EQ(parse_trace_line(with(kJson, "14:29", "1429")).kind, Kind::kBad);
  EXPECT_EQ(parse_trace_line(with(kJson, "-11-", "-13-")).kind, Kind::kBad);
  EXPECT_EQ(parse_trace_line(with(kJson, "\\\"", "\\x")).kind, Kind::kBad);
  EXPECT_EQ(parse_trace_line(with(kJson, "/a", "/\x01")).kind, Kind::kBad);
}

TEST(TraceLine, EscapesMeanWhatTheyMean) {
  const auto key_of = [](const std::string& path) {
    return parse_trace_line(with(kJson, "/a\\\"b", path)).key;
  };
  EXPECT_EQ(key_of("/\\u0041\\/\\\\"), "https://www.example.test/A/\\?x=1");
  EXPECT_EQ(key_of("/\\u00e9"), "https://www.example.test/\xC3\xA9?x=1");
  EXPECT_EQ(key_of("/\\ud83d\\ude00"), "https://www.example.test/\xF0\x9F\x98\x80?x=1");
  EXPECT_EQ(key_of("/\\ud83dx"), "https://www.example.test/\xEF\xBF\xBDx?x=1");
  EXPECT_EQ(key_of("/\\ud83d\\u0041"),
            "https://www.example.test/\xEF\xBF\xBD"
            "A?x=1");
}

constexpr const char* kCombined =
    R"(127.0.0.1 - - [21/Nov/2026:14:29:15 +0000] "GET /x?y HTTP/1.1" 200 512 "-" "a [b] \x22c")";

TEST(TraceLine, Combined) {
  const TraceLine line = parse_trace_line(kCombined);
  EXPECT_EQ(line.kind, Kind::kRequest) << line.problem;
  EXPECT_EQ(line.time_ms, 1'795'271'355'000);
  EXPECT_EQ(line.key, "/x?y");
  EXPECT_EQ(line.bytes, 512U);
  EXPECT_EQ(parse_trace_line(with(kCombined, "+0000", "+0130")).time_ms, 1'795'265'955'000);
  EXPECT_EQ(parse_trace_line(with(kCombined, "+0000", "-0100")).time_ms, 1'795'274'955'000);
  EXPECT_EQ(parse_trace_line(with(kCombined, "512", "-")).bytes, 0U);
  EXPECT_EQ(parse_trace_line(with(kCombined, "GET", "HEAD")).kind, Kind::kSkipped);
  EXPECT_EQ(parse_trace_line(R"(1.2.3.4 - - [21/Nov/2026:14:29:15 +0000] "GET / HTTP/1.0" 200 5)").bytes, 5U)
      << "the common format, without referer and agent";
}

TEST(TraceLine, BrokenCombined) {
  EXPECT_EQ(parse_trace_line(with(kCombined, "Nov", "Nou")).kind, Kind::kBad);
  EXPECT_EQ(parse_trace_line(with(kCombined, " HTTP/1.1", "")).kind, Kind::kBad);
  EXPECT_EQ(parse_trace_line(with(kCombined, "200", "2x0")).kind, Kind::kBad);
  EXPECT_EQ(parse_trace_line(with(kCombined, "512", "5k")).kind, Kind::kBad);
  EXPECT_EQ(parse_trace_line("a [b] c").kind, Kind::kBad);
}

TEST(TraceReader, TellsWhereALineIsBad) {
  std::vector<std::string> told;
  TraceReader reader(0, [&](const std::string& problem) { told.push_back(problem); });
  std::istringstream text("# a trace\n1 a 10\nnonsense\n2 b 20\n3 a ten\n");
  reader.read(text, "my.trace");
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].rfind("my.trace:3: ", 0), 0U) << told[0];
  EXPECT_EQ(told[1].rfind("my.trace:5: ", 0), 0U) << told[1];
  EXPECT_EQ(reader.bad_lines(), 2U);
  EXPECT_EQ(reader.skipped_lines(), 1U);
  EXPECT_EQ(reader.finish("t").requests.size(), 2U);
}

TEST(TraceReader, SortsByTimeAndTakesTheLargestSize) {
  TraceReader reader(30, [](const std::string& problem) { FAIL() << problem; });
  std::istringstream text("5 b 7\n1 a 10\n3 a 500 9\n4 a 20\n");
  reader.read(text, "t");
  const Trace trace = reader.finish("mine");
  ASSERT_EQ(trace.requests.size(), 4U);
  EXPECT_EQ(trace.name, "mine");
  EXPECT_EQ(trace.object_bytes, (std::vector<std::uint64_t>{7, 500}));
  EXPECT_EQ(trace.requests[0].id, 1U);
  EXPECT_EQ(trace.requests[3].id, 0U);
  EXPECT_EQ(trace.requests[0].ttl_s, 30U);
  EXPECT_EQ(trace.requests[1].ttl_s, 9U);
  EXPECT_EQ(trace.footprint_bytes(), 507U);
}

TEST(TraceReader, AFileThatIsNotThereIsAnError) {
  TraceReader reader(0, [](const std::string&) {});
  EXPECT_FALSE(reader.read_file("/there/is/no/such/file"));
}

}  // namespace
}  // namespace meridian::replay
