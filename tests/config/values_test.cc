#include "config/values.h"

#include <gtest/gtest.h>

#include "config/edge_config.h"
#include "config/problems.h"

namespace meridian::config {
namespace {

TEST(Values, Sizes) {
  EXPECT_EQ(parse(Bytes{}, "0"), 0U);
  EXPECT_EQ(parse(Bytes{}, "4096"), 4096U);
  EXPECT_EQ(parse(Bytes{}, "16KiB"), 16U * 1024);
  EXPECT_EQ(parse(Bytes{}, "8GiB"), 8 * kGiB);
  for (std::string_view bad :
       {"", "KiB", "1KB", "1 KiB", "1.5GiB", "-1", "1kib", "9999999TiB", "99999999999999999999"}) {
    EXPECT_EQ(parse(Bytes{}, bad), std::nullopt) << bad;
  }
  EXPECT_EQ(show(Bytes{}, 1536), "1536B");
  EXPECT_EQ(show(Bytes{}, 3 * kMiB), "3MiB");
}

TEST(Values, Durations) {
  EXPECT_EQ(parse(Milliseconds{}, "500ms"), 500);
  EXPECT_EQ(parse(Milliseconds{}, "30s"), 30'000);
  EXPECT_EQ(parse(Milliseconds{}, "5m"), 300'000);
  EXPECT_EQ(parse(Milliseconds{}, "1d"), 86'400'000);
  EXPECT_EQ(parse(Milliseconds{}, "0"), 0);
  for (std::string_view bad : {"", "30", "s", "1.5s", "1w", "-1s", "1s ", "99999999d", "1m30s"}) {
    EXPECT_EQ(parse(Milliseconds{}, bad), std::nullopt) << bad;
  }
  EXPECT_EQ(parse(Seconds{}, "2h"), 7200U);
  EXPECT_EQ(parse(Seconds{}, "1500ms"), std::nullopt);
  EXPECT_EQ(show(Milliseconds{}, 90'000), "90s");
  EXPECT_EQ(show(Seconds{}, 86'400), "1d");
}

TEST(Values, NumbersAndFlags) {
  EXPECT_EQ(parse(Count{}, "12"), 12U);
  for (std::string_view bad : {"", "-1", "1.0", "0x10", " 1", "4294967296"})
    EXPECT_EQ(parse(Count{}, bad), std::nullopt);
  EXPECT_EQ(parse(Share{}, "0.25"), 0.25);
  for (std::string_view bad : {"", "nan", "inf", "0.2x", "ten"})
    EXPECT_EQ(parse(Share{}, bad), std::nullopt) << bad;
  for (std::string_view yes : {"true", "on", "yes"}) EXPECT_EQ(parse(Flag{}, yes), true);
  for (std::string_view no : {"false", "off", "no"}) EXPECT_EQ(parse(Flag{}, no), false);
  for (std::string_view bad : {"", "True", "1", "maybe"}) EXPECT_EQ(parse(Flag{}, bad), std::nullopt);
}

TEST(Values, Urls) {
  EXPECT_EQ(parse(Url{}, "http://127.0.0.1:3000"), "http://127.0.0.1:3000");
  EXPECT_EQ(parse(Url{}, "HTTPS://App.Test/Path"), "https://app.test/Path");
  EXPECT_EQ(parse(Url{}, "http://[::1]:8080/"), "http://[::1]:8080/");
  for (std::string_view bad : {"", "127.0.0.1:3000", "ftp://a", "http://", "http:///x", "http://a:0",
                               "http://a:70000", "http://a:b", "http://u@a", "http://a/?q", "http://a/#f",
                               "http://a b", "http://a/\n", "http://[::1", "http://a..b", "http://a:"}) {
    EXPECT_EQ(parse(Url{}, bad), std::nullopt) << bad;
  }
}

TEST(Values, HostPatterns) {
  using Kind = HostPattern::Kind;
  EXPECT_EQ(parse_member(Hosts{}, "*"), (HostPattern{Kind::kAny, ""}));
  EXPECT_EQ(parse_member(Hosts{}, "*.Example.Test"), (HostPattern{Kind::kWildcard, "example.test"}));
  EXPECT_EQ(parse_member(Hosts{}, "localhost"), (HostPattern{Kind::kExact, "localhost"}));
  EXPECT_EQ(parse_member(Hosts{}, "[::1]"), (HostPattern{Kind::kExact, "[::1]"}));
  for (std::string_view bad : {"", ".", "a.*", "*a.test", "*.", "**", "a:80", "a/b", "a..b", ".a", "[zz]"}) {
    EXPECT_EQ(parse_member(Hosts{}, bad), std::nullopt) << bad;
  }
}

TEST(Values, Statuses) {
  EXPECT_EQ(parse_status("404"), 404);
  for (std::string_view bad : {"", "99", "100", "206", "304", "600", "0404", "4x4"}) {
    EXPECT_EQ(parse_status(bad), std::nullopt) << bad;
  }
}

TEST(Values, TokensAndChoices) {
  EXPECT_EQ(parse_member(Tokens{}, "X-Device"), "X-Device");
  for (std::string_view bad : {"", "a b", "a:", "\"a\""})
    EXPECT_EQ(parse_member(Tokens{}, bad), std::nullopt) << bad;
  EXPECT_EQ(parse(Choice<Balance>{}, "consistent-hash"), Balance::kConsistentHash);
  EXPECT_EQ(parse(Choice<Balance>{}, "random"), std::nullopt);
  EXPECT_EQ(expected(Choice<QueryPolicy>{}), "keep | sort | drop");
}

TEST(Nearest, ByEditDistance) {
  constexpr std::string_view known[] = {"ram", "max_object_share", "listen", "sites"};
  EXPECT_EQ(nearest("rma", known), "ram");
  EXPECT_EQ(nearest("max_objct_share", known), "max_object_share");
  EXPECT_EQ(nearest("listeners", known), "listen");
  EXPECT_EQ(nearest("kubernetes", known), "");
  EXPECT_EQ(nearest(std::string(100'000, 'x'), known), "");
}

TEST(InQuotes, CutsAndCleans) {
  EXPECT_EQ(in_quotes("a\nb\x7f"), "\"a?b?\"");
  EXPECT_EQ(in_quotes(std::string(100, 'x')), "\"" + std::string(80, 'x') + "...\"");
}

}  // namespace
}  // namespace meridian::config
