#include "lib/http/range.h"

#include <gtest/gtest.h>

#include "tests/http/heads.h"

namespace meridian::http {
namespace {

using Kind = RangeAnswer::Kind;

struct AnswerCase {
  std::string_view range;
  std::uint64_t length;
  Kind kind;
  std::vector<ByteRange> ranges;
};

// RFC 9110 sections 14.1.2, 14.2 and 15.3.7.2.
TEST(Range, Answers) {
  const AnswerCase cases[] = {
      {"bytes=0-1", 11, Kind::kSingle, {{0, 1}}},
      {"bytes=1-", 11, Kind::kSingle, {{1, 10}}},
      {"bytes=-1", 11, Kind::kSingle, {{10, 10}}},
      {"bytes=-100", 11, Kind::kSingle, {{0, 10}}},
      {"bytes=5-100", 11, Kind::kSingle, {{5, 10}}},
      {"bytes=0-0", 1, Kind::kSingle, {{0, 0}}},
      {"BYTES=0-1", 11, Kind::kSingle, {{0, 1}}},
      {"bytes= 0-1 ,", 11, Kind::kSingle, {{0, 1}}},
      {"bytes=0-1,3-4", 11, Kind::kMultiple, {{0, 1}, {3, 4}}},
      {"bytes=3-4, 0-1", 11, Kind::kMultiple, {{3, 4}, {0, 1}}},
      {"bytes=0-1,-2", 11, Kind::kMultiple, {{0, 1}, {9, 10}}},
      {"bytes=0-1,2-4", 11, Kind::kSingle, {{0, 4}}},
      {"bytes=0-5,3-8", 11, Kind::kSingle, {{0, 8}}},
      {"bytes=0-1,8-9,1-8", 11, Kind::kSingle, {{0, 9}}},
      {"bytes=8-9,0-1,3-4,9-10", 11, Kind::kMultiple, {{8, 10}, {0, 1}, {3, 4}}},
      {"bytes=0-1,20-30", 11, Kind::kSingle, {{0, 1}}},
      {"bytes=0-,0-,0-", 11, Kind::kSingle, {{0, 10}}},
      {"bytes=11-", 11, Kind::kUnsatisfiable, {}},
      {"bytes=-0", 11, Kind::kUnsatisfiable, {}},
      {"bytes=0-", 0, Kind::kUnsatisfiable, {}},
      {"bytes=-5", 0, Kind::kWhole, {}},
      {"bytes=18446744073709551615-", 11, Kind::kUnsatisfiable, {}},
      {"bytes=99999999999999999999999-99999999999999999999999", 11, Kind::kUnsatisfiable, {}},
      {"bytes=0-99999999999999999999999", 11, Kind::kSingle, {{0, 10}}},
      {"bytes=-99999999999999999999999", 11, Kind::kSingle, {{0, 10}}},
      {"bytes=4-2", 11, Kind::kWhole, {}},
      {"bytes=0-1,4-2", 11, Kind::kWhole, {}},
      {"bytes=", 11, Kind::kWhole, {}},
      {"bytes=,", 11, Kind::kWhole, {}},
      {"bytes", 11, Kind::kWhole, {}},
      {"bytes=-", 11, Kind::kWhole, {}},
      {"bytes=a-b", 11, Kind::kWhole, {}},
      {"bytes=0 - 1", 11, Kind::kWhole, {}},
      {"bytes=0-1-2", 11, Kind::kWhole, {}},
      {"bytes =0-1", 11, Kind::kWhole, {}},
      {"bytes=--1", 11, Kind::kWhole, {}},
      {"bytes=+0-1", 11, Kind::kWhole, {}},
      {"items=0-1", 11, Kind::kWhole, {}},
      {"", 11, Kind::kWhole, {}},
  };
  for (const AnswerCase& c : cases) {
    const RangeAnswer answer = answer_range(c.range, c.length, {});
    EXPECT_EQ(answer.kind, c.kind) << c.range;
    if (c.kind == Kind::kSingle) {
      EXPECT_EQ(answer.single, c.ranges.front()) << c.range;
    } else {
      EXPECT_EQ(answer.ranges, c.ranges) << c.range;
    }
  }
}

TEST(Range, TooManyAreIgnored) {
  const auto ranges = [](std::size_t n) {
    std::string text = "bytes=";
    for (std::size_t i = 0; i < n; ++i)
      text += std::to_string(i * 10) + "-" + std::to_string(i * 10 + 1) + ",";
    return text;
  };
  EXPECT_EQ(answer_range(ranges(16), 1000, {}).ranges.size(), 16U);
  EXPECT_EQ(answer_range(ranges(17), 1000, {}).kind, Kind::kWhole);
  EXPECT_EQ(answer_range(ranges(3), 1000, {2}).kind, Kind::kWhole);
}

struct ContentRangeCase {
  std::string_view text;
  bool valid, has_range;
  std::uint64_t first, last;
  std::int64_t length;  // -1: "*"
};

// RFC 9110 section 14.4.
TEST(ContentRange, Parse) {
  static constexpr ContentRangeCase kCases[] = {
      {"bytes 0-9/10", true, true, 0, 9, 10},
      {"Bytes 4-9/*", true, true, 4, 9, -1},
      {"bytes */10", true, false, 0, 0, 10},
      {"bytes */*", false, false, 0, 0, 0},
      {"bytes 0-10/10", false, false, 0, 0, 0},
      {"bytes 5-4/10", false, false, 0, 0, 0},
      {"bytes=0-9/10", false, false, 0, 0, 0},
      {"bytes  0-9/10", false, false, 0, 0, 0},
      {"bytes 0-9", false, false, 0, 0, 0},
      {"bytes 0-/10", false, false, 0, 0, 0},
      {"bytes -9/10", false, false, 0, 0, 0},
      {"bytes 0-9/", false, false, 0, 0, 0},
      {"bytes 0-9/10 ", false, false, 0, 0, 0},
      {"bytes 0-18446744073709551615/*", false, false, 0, 0, 0},
      {"bytes 0-18446744073709551616/*", false, false, 0, 0, 0},
      {"items 0-9/10", false, false, 0, 0, 0},
      {"", false, false, 0, 0, 0},
  };
  for (const ContentRangeCase& c : kCases) {
    const std::optional<ContentRange> range = parse_content_range(c.text);
    ASSERT_EQ(range.has_value(), c.valid) << c.text;
    if (!range) continue;
    EXPECT_EQ(range->has_range, c.has_range) << c.text;
    EXPECT_EQ(range->range, (ByteRange{c.first, c.last})) << c.text;
    EXPECT_EQ(range->complete_length ? static_cast<std::int64_t>(*range->complete_length) : -1, c.length)
        << c.text;
  }
}

TEST(ContentRange, Format) {
  char out[70];
  EXPECT_EQ(format_content_range({0, 9}, 10, out), "bytes 0-9/10");
  EXPECT_EQ(format_content_range({UINT64_MAX - 2, UINT64_MAX - 1}, UINT64_MAX, out),
            "bytes 18446744073709551613-18446744073709551614/18446744073709551615");
  EXPECT_EQ(format_unsatisfied_range(10, out), "bytes */10");
}

// RFC 9110 section 14.6: the announced length is the length.
TEST(MultipartRanges, Framing) {
  const std::string body = "0123456789A";
  const MultipartRanges parts({{0, 1}, {9, 10}}, body.size(), "text/plain", "SEP");
  std::string message;
  for (std::size_t i = 0; i < parts.count(); ++i) {
    message += parts.part_head(i);
    message += body.substr(parts.range(i).first, parts.range(i).size());
  }
  message += parts.closing();
  EXPECT_EQ(message,
            "--SEP\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/11\r\n\r\n01"
            "\r\n--SEP\r\nContent-Type: text/plain\r\nContent-Range: bytes 9-10/11\r\n\r\n9A"
            "\r\n--SEP--\r\n");
  EXPECT_EQ(parts.total_bytes(), message.size());
  EXPECT_EQ(parts.media_type(), "multipart/byteranges; boundary=SEP");
  EXPECT_EQ(MultipartRanges({{0, 1}, {3, 4}}, 9, "", "B").part_head(0),
            "--B\r\nContent-Range: bytes 0-1/9\r\n\r\n");
}

struct CombineCase {
  Lines a, b;
  bool together;
};

// RFC 9111 section 3.4.
TEST(Combine, NeedsAStrongValidator) {
  const std::string_view modified = "Thu, 20 Nov 2025 05:00:00 GMT";
  const std::string_view later = "Thu, 20 Nov 2025 06:00:00 GMT";
  const CombineCase cases[] = {
      {{{"ETag", "\"a\""}}, {{"ETag", "\"a\""}}, true},
      {{{"ETag", "\"a\""}}, {{"ETag", "\"b\""}}, false},
      {{{"ETag", "W/\"a\""}}, {{"ETag", "W/\"a\""}}, false},
      {{{"ETag", "\"a\""}}, {}, false},
      {{}, {}, false},
      {{{"Last-Modified", modified}, {"Date", later}}, {{"Last-Modified", modified}, {"Date", later}}, true},
      {{{"Last-Modified", modified}, {"Date", modified}},
       {{"Last-Modified", modified}, {"Date", later}},
       false},
      {{{"Last-Modified", modified}, {"Date", later}}, {{"Last-Modified", later}, {"Date", later}}, false},
      {{{"ETag", "\"a\""}, {"Content-Range", "bytes 0-4/10"}},
       {{"ETag", "\"a\""}, {"Content-Range", "bytes 5-9/10"}},
       true},
      {{{"ETag", "\"a\""}, {"Content-Range", "bytes 0-4/10"}},
       {{"ETag", "\"a\""}, {"Content-Range", "bytes 5-9/11"}},
       false},
      {{{"ETag", "\"a\""}, {"Content-Range", "bytes 0-4/10"}},
       {{"ETag", "\"a\""}, {"Content-Length", "10"}},
       true},
      {{{"ETag", "\"a\""}, {"Content-Range", "bytes 0-4/10"}},
       {{"ETag", "\"a\""}, {"Content-Length", "9"}},
       false},
      {{{"ETag", "\"a\""}, {"Content-Range", "bytes 0-4/*"}},
       {{"ETag", "\"a\""}, {"Content-Length", "9"}},
       true},
  };
  int number = 0;
  for (const CombineCase& c : cases) {
    EXPECT_EQ(may_combine(fields(c.a), fields(c.b)), c.together) << "case " << number;
    EXPECT_EQ(may_combine(fields(c.b), fields(c.a)), c.together) << "case " << number;
    ++number;
  }
}

using Ranges = std::vector<ByteRange>;

TEST(RangeSet, AddAndMissing) {
  Ranges held;
  add_range(held, {10, 19});
  add_range(held, {30, 39});
  add_range(held, {0, 4});
  EXPECT_EQ(held, (Ranges{{0, 4}, {10, 19}, {30, 39}}));
  EXPECT_EQ(missing_ranges(held, {0, 49}), (Ranges{{5, 9}, {20, 29}, {40, 49}}));
  EXPECT_EQ(missing_ranges(held, {12, 15}), Ranges{});
  EXPECT_EQ(missing_ranges(held, {15, 25}), (Ranges{{20, 25}}));
  EXPECT_EQ(missing_ranges(held, {5, 9}), (Ranges{{5, 9}}));
  EXPECT_EQ(missing_ranges({}, {5, 9}), (Ranges{{5, 9}}));
  add_range(held, {5, 9});
  EXPECT_EQ(held, (Ranges{{0, 19}, {30, 39}}));
  add_range(held, {15, 35});
  EXPECT_EQ(held, (Ranges{{0, 39}}));
}

}  // namespace
}  // namespace meridian::http
