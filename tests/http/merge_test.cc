#include "lib/http/merge.h"

#include <gtest/gtest.h>

#include "tests/http/heads.h"

namespace meridian::http {
namespace {

constexpr std::int64_t kNow = 1'763'700'000;
constexpr std::string_view kMid = "Thu, 20 Nov 2025 05:00:00 GMT";
constexpr std::string_view kLate = "Thu, 20 Nov 2025 06:00:00 GMT";

std::string merged(Lines stored, Lines update, const std::vector<std::string>& strip = {}) {
  std::string block;
  merge_fields(fields(stored), fields(update), strip, block);
  return block;
}

// RFC 9111 section 3.2.
TEST(Merge, ReplacesAllLinesOfAName) {
  EXPECT_EQ(merged({{"A", "1"}, {"B", "2"}, {"A", "3"}}, {{"a", "4"}}), "B: 2\r\na: 4\r\n");
  EXPECT_EQ(merged({{"A", "1"}}, {{"A", "2"}, {"A", "3"}}), "A: 2\r\nA: 3\r\n");
  EXPECT_EQ(merged({{"A", "1"}}, {}), "A: 1\r\n");
  EXPECT_EQ(merged({}, {{"X", "1"}}), "X: 1\r\n");
  EXPECT_EQ(merged({{"Set-Cookie", "a=b"}}, {{"Set-Cookie", "a=c"}}), "Set-Cookie: a=c\r\n");
  EXPECT_EQ(merged({{"Cache-Control", "max-age=1"}, {"Expires", "x"}}, {{"Cache-Control", "max-age=3600"}}),
            "Expires: x\r\nCache-Control: max-age=3600\r\n");
  EXPECT_EQ(merged({{"Content-Type", "a/b"}, {"Content-Foo", "1"}},
                   {{"Content-Type", "c/d"}, {"Content-Foo", "2"}}),
            "Content-Type: c/d\r\nContent-Foo: 2\r\n");
}

TEST(Merge, KeepsWhatBelongsToTheBytes) {
  EXPECT_EQ(merged({{"Content-Length", "5"}, {"Content-Encoding", "gzip"}},
                   {{"Content-Length", "10"}, {"Content-Encoding", "br"}, {"Content-Range", "bytes 0-1/2"}}),
            "Content-Length: 5\r\nContent-Encoding: gzip\r\n");
}

// RFC 9111 section 3.1: hop-by-hop fields are no update, nor do they take stored fields away.
TEST(Merge, LeavesHopByHopOut) {
  EXPECT_EQ(merged({{"A", "1"}, {"B", "1"}},
                   {{"Connection", "close, a"}, {"A", "2"}, {"Keep-Alive", "x"}, {"B", "2"}}),
            "A: 1\r\nB: 2\r\n");
}

TEST(Merge, StripsListedNames) {
  EXPECT_EQ(merged({{"A", "1"}, {"B", "1"}}, {{"a", "2"}, {"C", "2"}}, {"A"}), "B: 1\r\nC: 2\r\n");
}

struct SelectCase {
  Lines update;
  Validators stored;
  bool only, selected;
};

// RFC 9111 section 4.3.4.
TEST(Select, ByValidators) {
  const SelectCase cases[] = {
      {{{"ETag", "\"a\""}}, {"\"a\"", kMid, ""}, false, true},
      {{{"ETag", "\"a\""}}, {"\"b\"", kMid, ""}, true, false},
      {{{"ETag", "\"a\""}}, {"W/\"a\"", "", ""}, true, false},
      {{{"ETag", "W/\"a\""}}, {"\"a\"", "", ""}, true, true},
      {{{"ETag", "W/\"a\""}}, {"W/\"b\"", "", ""}, true, false},
      {{{"ETag", "\"a\""}}, {"", kMid, ""}, true, false},
      {{{"ETag", "a"}}, {"a", "", ""}, true, true},
      {{{"ETag", "\"a\""}, {"Last-Modified", kLate}}, {"\"a\"", kMid, ""}, false, true},
      {{{"Last-Modified", kMid}}, {"\"a\"", kMid, ""}, false, true},
      {{{"Last-Modified", "Thursday, 20-Nov-25 05:00:00 GMT"}}, {"", kMid, ""}, false, true},
      {{{"Last-Modified", kLate}}, {"", kMid, ""}, true, false},
      {{}, {"\"a\"", kMid, ""}, true, true},
      {{}, {"\"a\"", kMid, ""}, false, false},
  };
  int number = 0;
  for (const SelectCase& c : cases) {
    EXPECT_EQ(selects(fields(c.update), c.stored, c.only, kNow), c.selected) << "case " << number;
    ++number;
  }
}

// RFC 9111 section 4.3.5.
TEST(Head, Effects) {
  const Validators stored{"\"a\"", kMid, kMid, 200};
  EXPECT_EQ(head_effect(response(200, {{"ETag", "\"a\""}, {"Content-Length", "10"}}), stored, 10),
            HeadEffect::kUpdate);
  EXPECT_EQ(head_effect(response(200), stored, 10), HeadEffect::kUpdate);
  EXPECT_EQ(head_effect(response(200, {{"ETag", "\"b\""}}), stored, 10), HeadEffect::kInvalidate);
  EXPECT_EQ(head_effect(response(200, {{"Last-Modified", kLate}}), stored, 10), HeadEffect::kInvalidate);
  EXPECT_EQ(head_effect(response(200, {{"Content-Length", "11"}}), stored, 10), HeadEffect::kInvalidate);
  EXPECT_EQ(head_effect(response(410), stored, 10), HeadEffect::kNone);
  EXPECT_EQ(head_effect(response(200), {"\"a\"", kMid, kMid, 404}, 10), HeadEffect::kNone);
}

}  // namespace
}  // namespace meridian::http
