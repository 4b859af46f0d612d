#include "lib/http/date.h"

#include <gtest/gtest.h>

#include <string>

namespace meridian::http {
namespace {

constexpr std::int64_t kNow = 1'763'700'000;  // 2025-11-21
constexpr std::int64_t kInvalid = -1;

struct DateCase {
  std::string_view text;
  std::int64_t unix_s;
};

// RFC 9110 section 5.6.7 and RFC 9111 section 4.2.
TEST(HttpDate, Parse) {
  static constexpr DateCase kCases[] = {
      {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
      {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
      {"Sun Nov  6 08:49:37 1994", 784111777},
      {"Sun Nov 16 08:49:37 1994", 784975777},
      {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
      {"Thu, 18 Aug 2050 02:01:18 GMT", 2544400878},
      {"THU, 18 Aug 2050 02:01:18 GMT", 2544400878},  // case: caches do not mind
      {"Thu, 18 AUG 2050 02:01:18 GMT", 2544400878},
      {"Thu, 18 Aug 2050 02:01:18 gMT", 2544400878},
      {"Thu, 18 Aug 2050 02:01:18 UTC", kInvalid},
      {"Mon, 06 Nov 1994 08:49:37 GMT", 784111777},  // the day name says nothing new
      {"Thu, 29 Feb 2024 00:00:00 GMT", 1709164800},
      {"Thu, 31 Dec 1998 23:59:60 GMT", 915148800},  // leap second
      {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
      {"Mon, 01 Jan 0001 00:00:00 GMT", -62135596800},
      {"Thu, 18 Aug 50 02:01:18 GMT", kInvalid},
      {"Thu 18 Aug 2050 02:01:18 GMT", kInvalid},
      {"Thu, 18  Aug  2050 02:01:18 GMT", kInvalid},
      {"Thu, 18-Aug-2050 02:01:18 GMT", kInvalid},
      {"Thu, 18 Aug 2050 02.01.18 GMT", kInvalid},
      {"Thu, 18 Aug 2050 2:01:18 GMT", kInvalid},
      {"Thu, 18 Aug 2050 02:01:18 EST", kInvalid},
      {"Thu, 18 Aug 2050 02:01:18 +0000", kInvalid},
      {"Thu, 18 Aug 2050 02:01:18", kInvalid},
      {"Thu, 18 Aug 2050 02:01:18 GMT ", kInvalid},
      {" Thu, 18 Aug 2050 02:01:18 GMT", kInvalid},
      {"Thu, 18 Aug 2050 24:00:00 GMT", kInvalid},
      {"Thu, 18 Aug 2050 02:60:00 GMT", kInvalid},
      {"Thu, 18 Aug 2050 02:00:61 GMT", kInvalid},
      {"Fri, 30 Feb 2024 00:00:00 GMT", kInvalid},
      {"Wed, 29 Feb 2023 00:00:00 GMT", kInvalid},
      {"Thu, 29 Feb 1900 00:00:00 GMT", kInvalid},
      {"Sun, 00 Nov 1994 08:49:37 GMT", kInvalid},
      {"Sun, 06 Nov 0000 08:49:37 GMT", kInvalid},
      {"Xun, 06 Nov 1994 08:49:37 GMT", kInvalid},
      {"Sunday, 06 Nov 1994 08:49:37 GMT", kInvalid},
      {"Sunday Nov  6 08:49:37 1994", kInvalid},
      {"Sun Nov 6 08:49:37 1994", kInvalid},
      {"0", kInvalid},
      {"-1", kInvalid},
      {"", kInvalid},
      {"784111777", kInvalid},
  };
  for (const DateCase& c : kCases)
    EXPECT_EQ(parse_http_date(c.text, kNow).value_or(kInvalid), c.unix_s) << c.text;
}

// RFC 9110 section 5.6.7: more than 50 years ahead means the past century.
TEST(HttpDate, TwoDigitYears) {
  const auto year_of = [](std::string_view text) {
    char out[kHttpDateBytes];
    format_http_date(parse_http_date(text, kNow).value(), out);
    return std::string(out + 12, 4);
  };
  EXPECT_EQ(year_of("Monday, 06-Nov-75 08:49:37 GMT"), "2075");
  EXPECT_EQ(year_of("Monday, 06-Nov-76 08:49:37 GMT"), "1976");
  EXPECT_EQ(year_of("Monday, 06-Nov-99 08:49:37 GMT"), "1999");
  EXPECT_EQ(year_of("Monday, 06-Nov-00 08:49:37 GMT"), "2000");
  EXPECT_EQ(year_of("Monday, 06-Nov-25 08:49:37 GMT"), "2025");
}

std::string formatted(std::int64_t unix_s) {
  char out[kHttpDateBytes];
  format_http_date(unix_s, out);
  return {out, kHttpDateBytes};
}

TEST(HttpDate, Format) {
  EXPECT_EQ(formatted(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(formatted(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(formatted(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
  EXPECT_EQ(formatted(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
  EXPECT_EQ(formatted(INT64_MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(formatted(INT64_MIN), "Mon, 01 Jan 0001 00:00:00 GMT");
}

// Every formatted time reads back as itself: a stride that is prime to days, months and years.
TEST(HttpDate, RoundTrip) {
  for (std::int64_t t = -62135596800; t < 253402300799; t += 86'413'777) {
    ASSERT_EQ(parse_http_date(formatted(t), kNow), t) << formatted(t);
  }
}

TEST(DateCache, ChangesWithTheSecond) {
  DateCache cache;
  EXPECT_EQ(cache.at(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(cache.at(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(cache.at(784111778), "Sun, 06 Nov 1994 08:49:38 GMT");
  DateCache fresh;
  EXPECT_EQ(fresh.at(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
}

}  // namespace
}  // namespace meridian::http
