#include "edge/slice_plan.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace meridian::edge {
namespace {

constexpr std::uint64_t kKiB = 1024;

TEST(SliceGrid, SlicesAreAlignedAndTheLastEndsWithTheBody) {
  const SliceGrid grid(1000, 300, 1);
  EXPECT_EQ(grid.around(0), (Span{0, 300}));
  EXPECT_EQ(grid.around(299), (Span{0, 300}));
  EXPECT_EQ(grid.around(300), (Span{300, 600}));
  EXPECT_EQ(grid.around(999), (Span{900, 1000}));
}

TEST(SliceGrid, SizesAreWholeUnits) {
  EXPECT_EQ(SliceGrid(kKiB, 1, 64).slice_bytes(), 64u);
  EXPECT_EQ(SliceGrid(kKiB, 64, 64).slice_bytes(), 64u);
  EXPECT_EQ(SliceGrid(kKiB, 65, 64).slice_bytes(), 128u);
}

TEST(SliceGrid, SlicesFollowOneAnotherWithoutGapOrOverlap) {
  for (const std::uint64_t length : {1ULL, 63ULL, 64ULL, 65ULL, 640ULL, 641ULL, 1ULL << 44U}) {
    const SliceGrid grid(length, length / 10 + 1, 64);
    std::uint64_t at = 0;
    while (at < length) {
      const Span slice = grid.around(at);
      ASSERT_EQ(slice.begin, at);
      ASSERT_GT(slice.end, at);
      EXPECT_EQ(grid.around(slice.end - 1), slice);
      at = slice.end;
    }
    EXPECT_EQ(at, length);
  }
}

TEST(SliceGrid, WhichPartsHoldAWholeSlice) {
  const SliceGrid grid(1000, 300, 1);
  const struct {
    Span part;
    bool holds;
  } cases[] = {{{0, 299}, false},   {{0, 300}, true},     {{1, 599}, false},   {{1, 600}, true},
               {{301, 900}, true},  {{301, 899}, false},  {{900, 1000}, true}, {{899, 1000}, true},
               {{900, 999}, false}, {{901, 1000}, false}, {{0, 1000}, true}};
  for (const auto& one : cases) {
    EXPECT_EQ(grid.has_whole_slice(one.part), one.holds) << one.part.begin << "-" << one.part.end;
  }
}

struct Fields {
  explicit Fields(const std::vector<std::pair<std::string, std::string>>& lines) {
    for (const auto& [name, value] : lines) http::append_field(block, name, value);
    http::parse_block(block, list);
  }
  std::string block;
  http::FieldList list;
};

constexpr std::int64_t kNow = 1'700'000'000;
const std::string kOld = "Wed, 01 Jan 2020 00:00:00 GMT";
const std::string kSecondLater = "Wed, 01 Jan 2020 00:00:01 GMT";

// RFC 9110 sections 8.8.1 and 8.8.2.2.
TEST(StrongValidator, TagOrDate) {
  using Lines = std::vector<std::pair<std::string, std::string>>;
  const struct {
    Lines lines;
    std::string_view validator;
  } cases[] = {
      {{{"ETag", "\"a\""}}, "\"a\""},
      {{{"ETag", "\"a\""}, {"Last-Modified", kOld}}, "\"a\""},
      {{{"ETag", "W/\"a\""}}, ""},
      {{{"ETag", "W/\"a\""}, {"Last-Modified", kOld}, {"Date", kSecondLater}}, ""},
      {{{"ETag", "a"}}, ""},
      {{{"Last-Modified", kOld}, {"Date", kSecondLater}}, kOld},
      {{{"Last-Modified", kOld}, {"Date", kOld}}, ""},
      {{{"Last-Modified", kSecondLater}, {"Date", kOld}}, ""},
      {{{"Last-Modified", kOld}}, kOld},
      {{{"Last-Modified", kOld}, {"Date", "yesterday"}}, ""},
      {{{"Last-Modified", "long ago"}, {"Date", kOld}}, ""},
      {{}, ""},
  };
  for (const auto& one : cases) {
    const Fields fields(one.lines);
    EXPECT_EQ(strong_validator(fields.list, kNow), one.validator) << fields.block;
  }
}

struct JudgeSlice : testing::Test {
  SliceAnswer judge(int status, const std::vector<std::pair<std::string, std::string>>& lines) const {
    const Fields fields(lines);
    http::ResponseHead head;
    head.status = status;
    head.fields = fields.list;
    return judge_slice(head, {300, 600}, stored.list, 1000, kNow);
  }
  const Fields stored{{{"ETag", "\"a\""}, {"Content-Type", "video/mp4"}}};
};

TEST_F(JudgeSlice, TheRangeThatWasAskedFor) {
  EXPECT_EQ(judge(206, {{"ETag", "\"a\""}, {"Content-Range", "bytes 300-599/1000"}}), SliceAnswer::kGood);
}

TEST_F(JudgeSlice, AnotherVersion) {
  EXPECT_EQ(judge(206, {{"ETag", "\"b\""}, {"Content-Range", "bytes 300-599/1000"}}), SliceAnswer::kChanged);
  EXPECT_EQ(judge(206, {{"ETag", "\"a\""}, {"Content-Range", "bytes 300-599/1001"}}), SliceAnswer::kChanged);
  EXPECT_EQ(judge(200, {{"ETag", "\"b\""}}), SliceAnswer::kChanged);
  for (const int gone : {404, 410, 416}) EXPECT_EQ(judge(gone, {}), SliceAnswer::kChanged);
}

TEST_F(JudgeSlice, NotWhatWasAskedFor) {
  for (const char* range : {"bytes 0-299/1000", "bytes 300-598/1000", "bytes 299-599/1000", "bytes 300-599/*",
                            "bytes */1000", "bytes 599-300/1000", "lines 300-599/1000", "300-599"}) {
    EXPECT_EQ(judge(206, {{"ETag", "\"a\""}, {"Content-Range", range}}), SliceAnswer::kNotSliced) << range;
  }
  EXPECT_EQ(judge(206, {{"ETag", "\"a\""}}), SliceAnswer::kNotSliced);
  EXPECT_EQ(judge(206, {{"ETag", "\"a\""},
                        {"Content-Range", "bytes 300-599/1000"},
                        {"Content-Range", "bytes 0-299/1000"}}),
            SliceAnswer::kNotSliced);
  EXPECT_EQ(judge(206, {{"Content-Range", "bytes 300-599/1000"}}), SliceAnswer::kNotSliced);
  EXPECT_EQ(judge(206, {{"ETag", "W/\"a\""}, {"Content-Range", "bytes 300-599/1000"}}),
            SliceAnswer::kNotSliced);
  EXPECT_EQ(judge(200, {{"ETag", "\"a\""}}), SliceAnswer::kNotSliced);
}

TEST_F(JudgeSlice, NothingIsSaidOfTheRepresentation) {
  for (const int status : {301, 304, 401, 403, 429, 500, 503}) {
    EXPECT_EQ(judge(status, {{"ETag", "\"b\""}}), SliceAnswer::kFailed) << status;
  }
}

TEST(SliceRequest, RangeAndIfRange) {
  std::string block;
  append_slice_request({300, 600}, "\"a\"", block);
  EXPECT_EQ(block, "Range: bytes=300-599\r\nIf-Range: \"a\"\r\n");
}

TEST(SliceKey, ComesApartAgain) {
  const std::string object = "http://a/b\n\naccept-language:de";
  for (const std::uint64_t id : {0ULL, 7ULL, ~0ULL}) {
    for (const std::uint64_t begin : {0ULL, 1ULL << 20U, ~0ULL}) {
      std::string text;
      slice_key(object, id, begin, text);
      SliceKey key;
      ASSERT_TRUE(parse_slice_key(text, key));
      EXPECT_EQ(key.object, object);
      EXPECT_EQ(key.fill_id, id);
      EXPECT_EQ(key.begin, begin);
    }
  }
}

TEST(SliceKey, NothingElseIsOne) {
  SliceKey key;
  for (const char* text : {"http://a/", "http://a/\n\n206", "http://a/\n\nslice ", "http://a/\n\nslice 1",
                           "http://a/\n\nslice 1 ", "http://a/\n\nslice x 1", "http://a/\n\nslice 1 1x"}) {
    EXPECT_FALSE(parse_slice_key(text, key)) << text;
  }
}

}  // namespace
}  // namespace meridian::edge
