#include "lib/http/conditional.h"

#include <gtest/gtest.h>

#include "tests/http/heads.h"

namespace meridian::http {
namespace {

constexpr std::int64_t kNow = 1'763'700'000;
constexpr std::string_view kOld = "Thu, 20 Nov 2025 04:00:00 GMT";
constexpr std::string_view kMid = "Thu, 20 Nov 2025 05:00:00 GMT";
constexpr std::string_view kMid850 = "Thursday, 20-Nov-25 05:00:00 GMT";
constexpr std::string_view kLate = "Thu, 20 Nov 2025 06:00:00 GMT";

struct Case {
  Lines request;
  Validators stored;
  Precondition expected;
};

// RFC 9111 section 4.3.2: what a cache evaluates.
TEST(Preconditions, AtACache) {
  using enum Precondition;
  const Case cases[] = {
      {{}, {"\"a\"", kMid, kMid}, kProceed},
      {{{"If-None-Match", "\"a\""}}, {"\"a\"", "", kMid}, kNotModified},
      {{{"If-None-Match", "W/\"a\""}}, {"\"a\"", "", kMid}, kNotModified},
      {{{"If-None-Match", "\"b\""}}, {"\"a\"", "", kMid}, kProceed},
      {{{"If-None-Match", "\"b\", \"a\""}}, {"\"a\"", "", kMid}, kNotModified},
      {{{"If-None-Match", "\"b\""}, {"If-None-Match", "\"a\""}}, {"\"a\"", "", kMid}, kNotModified},
      {{{"If-None-Match", "*"}}, {"", "", ""}, kNotModified},
      {{{"If-None-Match", "\"a\""}}, {"", kMid, kMid}, kProceed},
      // If-None-Match goes before If-Modified-Since (RFC 9110 section 13.1.3)
      {{{"If-None-Match", "\"a\""}, {"If-Modified-Since", kOld}}, {"\"a\"", kMid, kMid}, kNotModified},
      {{{"If-None-Match", "\"b\""}, {"If-Modified-Since", kLate}}, {"\"a\"", kMid, kMid}, kProceed},
      {{{"If-Modified-Since", kMid}}, {"", kMid, kLate}, kNotModified},
      {{{"If-Modified-Since", kMid850}}, {"", kMid, kLate}, kNotModified},
      {{{"If-Modified-Since", kLate}}, {"", kMid, kLate}, kNotModified},
      {{{"If-Modified-Since", kOld}}, {"", kMid, kLate}, kProceed},
      {{{"If-Modified-Since", "yesterday"}}, {"", kMid, kLate}, kProceed},
      {{{"If-Modified-Since", kLate}, {"If-Modified-Since", kLate}}, {"", kMid, kLate}, kProceed},
      // without Last-Modified: Date, then the time of receipt
      {{{"If-Modified-Since", kMid}}, {"", "", kOld}, kNotModified},
      {{{"If-Modified-Since", kOld}}, {"", "", kMid}, kProceed},
      {{{"If-Modified-Since", kLate}}, {"", "", ""}, kProceed},
      {{{"If-Modified-Since", "Thu, 18 Aug 2050 02:01:18 GMT"}}, {"", "", ""}, kNotModified},
      {{{"If-Modified-Since", kMid}}, {"", "no date", kOld}, kProceed},
      // the origin's to judge
      {{{"If-Match", "\"b\""}}, {"\"a\"", kMid, kMid}, kProceed},
      {{{"If-Unmodified-Since", kOld}}, {"\"a\"", kMid, kMid}, kProceed},
      // only for what a plain GET would have got
      {{{"If-None-Match", "*"}}, {"\"a\"", "", "", 404}, kProceed},
      {{{"If-None-Match", "\"a\""}}, {"\"a\"", "", "", 206}, kNotModified},
  };
  int number = 0;
  for (const Case& c : cases) {
    EXPECT_EQ(evaluate(get(c.request), c.stored, Evaluate::kCache, kNow, kNow), c.expected)
        << "case " << number;
    ++number;
  }
}

// RFC 9110 section 13.2.2: the order of precedence at an origin.
TEST(Preconditions, AtAnOrigin) {
  using enum Precondition;
  const Case cases[] = {
      {{{"If-Match", "\"a\""}}, {"\"a\"", kMid, kMid}, kProceed},
      {{{"If-Match", "\"b\""}}, {"\"a\"", kMid, kMid}, kPreconditionFailed},
      {{{"If-Match", "W/\"a\""}}, {"\"a\"", kMid, kMid}, kPreconditionFailed},
      {{{"If-Match", "\"a\""}}, {"W/\"a\"", kMid, kMid}, kPreconditionFailed},
      {{{"If-Match", "*"}}, {"", "", ""}, kProceed},
      {{{"If-Unmodified-Since", kOld}}, {"", kMid, kMid}, kPreconditionFailed},
      {{{"If-Unmodified-Since", kMid}}, {"", kMid, kMid}, kProceed},
      {{{"If-Unmodified-Since", "x"}}, {"", kMid, kMid}, kProceed},
      {{{"If-Match", "\"a\""}, {"If-Unmodified-Since", kOld}}, {"\"a\"", kMid, kMid}, kProceed},
      {{{"If-Match", "\"a\""}, {"If-None-Match", "\"a\""}}, {"\"a\"", kMid, kMid}, kNotModified},
      {{{"If-Modified-Since", kLate}}, {"", "", kOld}, kProceed},
  };
  int number = 0;
  for (const Case& c : cases) {
    EXPECT_EQ(evaluate(get(c.request), c.stored, Evaluate::kOrigin, kNow, kNow), c.expected)
        << "case " << number;
    ++number;
  }
  const Validators stored{"\"a\"", kMid, kMid, 200};
  EXPECT_EQ(evaluate(request("PUT", {{"If-None-Match", "*"}}), stored, Evaluate::kOrigin, kNow, kNow),
            kPreconditionFailed);
  EXPECT_EQ(evaluate(request("PUT", {{"If-Modified-Since", kLate}}), stored, Evaluate::kOrigin, kNow, kNow),
            kProceed);
  EXPECT_EQ(evaluate(request("HEAD", {{"If-None-Match", "\"a\""}}), stored, Evaluate::kOrigin, kNow, kNow),
            kNotModified);
}

struct IfRangeCase {
  Lines request;
  Validators stored;
  bool holds;
};

// RFC 9110 section 13.1.5.
TEST(Preconditions, IfRange) {
  const IfRangeCase cases[] = {
      {{}, {"", "", ""}, true},
      {{{"If-Range", "\"a\""}}, {"\"a\"", "", ""}, true},
      {{{"If-Range", "\"b\""}}, {"\"a\"", "", ""}, false},
      {{{"If-Range", "W/\"a\""}}, {"W/\"a\"", "", ""}, false},
      {{{"If-Range", "\"a\""}}, {"W/\"a\"", "", ""}, false},
      {{{"If-Range", "\"a\""}}, {"", kMid, kLate}, false},
      {{{"If-Range", kMid}}, {"\"a\"", kMid, kLate}, true},
      {{{"If-Range", kMid850}}, {"", kMid, kLate}, true},
      {{{"If-Range", kLate}}, {"", kMid, kLate}, false},
      {{{"If-Range", kMid}}, {"", kMid, kMid}, false},  // weak: made in the second of its change
      {{{"If-Range", kMid}}, {"", kMid, ""}, false},
      {{{"If-Range", "junk"}}, {"\"a\"", kMid, kLate}, false},
      {{{"If-Range", "\"a\""}, {"If-Range", "\"a\""}}, {"\"a\"", "", ""}, false},
  };
  int number = 0;
  for (const IfRangeCase& c : cases) {
    EXPECT_EQ(if_range_holds(fields(c.request), c.stored, kNow), c.holds) << "case " << number;
    ++number;
  }
}

// RFC 9111 section 4.3.1.
TEST(Validation, RequestFields) {
  std::string block;
  EXPECT_TRUE(append_validation_fields({"W/\"a\"", kMid, kMid}, block));
  EXPECT_EQ(block, "If-None-Match: W/\"a\"\r\nIf-Modified-Since: Thu, 20 Nov 2025 05:00:00 GMT\r\n");
  block.clear();
  EXPECT_FALSE(append_validation_fields({"", "", kMid}, block));
  EXPECT_EQ(block, "");
}

TEST(Validation, WhichFieldsAreConditional) {
  EXPECT_TRUE(is_conditional_field(FieldId::kIfRange));
  EXPECT_TRUE(is_conditional_field(FieldId::kIfNoneMatch));
  EXPECT_FALSE(is_conditional_field(FieldId::kRange));
  EXPECT_TRUE(needs_origin_judgement(fields({{"If-Match", "*"}}).present()));
  EXPECT_FALSE(needs_origin_judgement(fields({{"If-None-Match", "*"}}).present()));
}

// RFC 9110 section 15.4.5.
TEST(NotModified, CarriesWhatCachesNeed) {
  for (FieldId id : {FieldId::kContentLocation, FieldId::kDate, FieldId::kEtag, FieldId::kVary,
                     FieldId::kCacheControl, FieldId::kExpires, FieldId::kOther}) {
    EXPECT_TRUE(kept_in_304(id, true));
  }
  for (FieldId id : {FieldId::kContentLength, FieldId::kContentType, FieldId::kContentEncoding,
                     FieldId::kContentRange, FieldId::kLastModified}) {
    EXPECT_FALSE(kept_in_304(id, true));
  }
  EXPECT_TRUE(kept_in_304(FieldId::kLastModified, false));
}

}  // namespace
}  // namespace meridian::http
