#include "lib/http/etag.h"

#include <gtest/gtest.h>

namespace meridian::http {
namespace {

// RFC 9110 section 8.8.3.
TEST(EntityTag, Grammar) {
  EXPECT_EQ(parse_etag("\"abc\"")->opaque, "abc");
  EXPECT_FALSE(parse_etag("\"abc\"")->weak);
  EXPECT_TRUE(parse_etag("W/\"abc\"")->weak);
  EXPECT_EQ(parse_etag("\"\"")->opaque, "");
  EXPECT_EQ(parse_etag("\"a\\b\"")->opaque, "a\\b");
  EXPECT_EQ(parse_etag("\"caf\xc3\xa9\"")->opaque, "caf\xc3\xa9");
  for (const char* bad : {"", "abc", "\"abc", "abc\"", "w/\"abc\"", "W\"abc\"", "W\\\"abc\"", "\"a\"b\"",
                          "\"a b\"", "W/", "\"a\" ", " \"a\"", "\"a\", \"b\"", "\"", "\"\x7f\""}) {
    EXPECT_FALSE(parse_etag(bad)) << bad;
  }
}

struct MatchCase {
  std::string_view a, b;
  bool strong, weak;
};

// The table of RFC 9110 section 8.8.3.2.
TEST(EntityTag, Comparison) {
  static constexpr MatchCase kCases[] = {
      {"W/\"1\"", "W/\"1\"", false, true},
      {"W/\"1\"", "W/\"2\"", false, false},
      {"W/\"1\"", "\"1\"", false, true},
      {"\"1\"", "\"1\"", true, true},
  };
  for (const MatchCase& c : kCases) {
    EXPECT_EQ(strong_match(*parse_etag(c.a), *parse_etag(c.b)), c.strong) << c.a << " " << c.b;
    EXPECT_EQ(weak_match(*parse_etag(c.a), *parse_etag(c.b)), c.weak) << c.a << " " << c.b;
  }
}

struct ListCase {
  std::string_view list, etag;
  bool strong, weak;
};

// RFC 9110 sections 13.1.1 and 13.1.2.
TEST(EntityTag, Lists) {
  static constexpr ListCase kCases[] = {
      {"\"a\"", "\"a\"", true, true},
      {"\"x\", \"a\", \"y\"", "\"a\"", true, true},
      {"\"x\",\"y\",\"a\"", "\"a\"", true, true},
      {"W/\"a\"", "\"a\"", false, true},
      {"\"a\"", "W/\"a\"", false, true},
      {"\"x\"", "\"a\"", false, false},
      {"\"a,b\"", "\"a,b\"", true, true},
      {"\"x,\"a\",y\"", "\"a\"", false, false},
      {"\"a\\\", \"b\"", "\"b\"", true, true},  // a backslash escapes nothing here
      {"a", "\"a\"", false, false},
      {"\"a\"", "a", false, false},
      {"a", "a", false, true},
      {"x, a", "a", false, true},
      {"junk, \"a\"", "\"a\"", true, true},
      {"\"x\" junk, \"a\"", "\"a\"", true, true},
      {"w/\"a\"", "w/\"a\"", false, true},
      {", ,\"a\" ,", "\"a\"", true, true},
      {"\"open", "\"open", false, true},
      {"", "\"a\"", false, false},
      {"", "", false, false},
      {"\"a\"", "", false, false},
  };
  for (const ListCase& c : kCases) {
    EXPECT_EQ(etag_list_has(c.list, c.etag, EtagComparison::kStrong), c.strong) << c.list << " : " << c.etag;
    EXPECT_EQ(etag_list_has(c.list, c.etag, EtagComparison::kWeak), c.weak) << c.list << " : " << c.etag;
  }
}

}  // namespace
}  // namespace meridian::http
