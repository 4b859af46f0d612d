#include "lib/http/vary.h"

#include <gtest/gtest.h>

#include "tests/http/heads.h"

namespace meridian::http {
namespace {

struct ParseCase {
  Lines response;
  VaryKind kind;
  std::string_view names;
};

// RFC 9110 section 12.5.5.
TEST(Vary, Parse) {
  using enum VaryKind;
  const ParseCase cases[] = {
      {{}, kNone, ""},
      {{{"Vary", ""}}, kNone, ""},
      {{{"Vary", "Foo"}}, kNames, "foo"},
      {{{"Vary", "Foo, Bar"}, {"Vary", "bar,BAZ"}}, kNames, "bar,baz,foo"},
      {{{"Vary", "*"}}, kStar, ""},
      {{{"Vary", "*, *"}}, kStar, ""},
      {{{"Vary", "*"}, {"Vary", "*"}}, kStar, ""},
      {{{"Vary", ", *"}}, kStar, ""},
      {{{"Vary", ""}, {"Vary", "*"}}, kStar, ""},
      {{{"Vary", "*, Foo"}}, kStar, ""},
      {{{"Vary", "Foo, *"}}, kStar, ""},
      {{{"Vary", "a b, *"}}, kStar, ""},
      {{{"Vary", "a b"}}, kTooMany, ""},
      {{{"Vary", "a,b,c,d"}}, kTooMany, ""},
      {{{"Vary", "a,A,b,B,c,C"}}, kNames, "a,b,c"},
  };
  VaryPolicy policy;
  policy.names_max = 3;
  std::string names;
  int number = 0;
  for (const ParseCase& c : cases) {
    EXPECT_EQ(parse_vary(fields(c.response), policy, names), c.kind) << "case " << number;
    EXPECT_EQ(c.kind == VaryKind::kNames ? names : "", c.names) << "case " << number;
    ++number;
  }
}

std::string variant(std::string_view names, Lines request, const VaryPolicy& policy = {}) {
  std::string key = "k";
  append_variant(names, fields(request), policy, key);
  return key;
}

// RFC 9111 section 4.1: what may be taken for the same.
TEST(Vary, Normalises) {
  EXPECT_EQ(variant("foo", {{"Foo", "1,2"}}), variant("foo", {{"foo", "1 ,\t2"}}));
  EXPECT_EQ(variant("foo", {{"Foo", "1,2"}}), variant("foo", {{"Foo", "1"}, {"Foo", "2"}}));
  EXPECT_EQ(variant("foo", {{"Foo", "1"}, {"Other", "2"}}), variant("foo", {{"Foo", "1"}, {"Other", "3"}}));
  EXPECT_EQ(variant("bar,foo", {{"Foo", "1"}, {"Bar", "2"}}),
            variant("bar,foo", {{"Bar", "2"}, {"Foo", "1"}}));
  EXPECT_EQ(variant("foo", {{"Foo", "a, \"b c\""}}), variant("foo", {{"Foo", "a,\"b c\""}}));
  EXPECT_EQ(variant("accept", {{"Accept", "text/html, */*;q=0.1"}}),
            variant("accept", {{"Accept", "text/html,*/*;q=0.1"}}));
  EXPECT_EQ(variant("accept-language", {{"Accept-Language", "en-US, de;q=0.5"}}),
            variant("accept-language", {{"Accept-Language", "EN-us,de; q=0.5"}}));
}

// And what may not.
TEST(Vary, KeepsApart) {
  EXPECT_NE(variant("foo", {{"Foo", "1"}}), variant("foo", {{"Foo", "2"}}));
  EXPECT_NE(variant("foo", {{"Foo", "a"}}), variant("foo", {{"Foo", "A"}}));
  EXPECT_NE(variant("foo", {{"Foo", "1"}}), variant("foo", {}));
  EXPECT_NE(variant("foo", {{"Foo", ""}}), variant("foo", {}));
  EXPECT_NE(variant("foo", {{"Foo", "\"1, 2\""}}), variant("foo", {{"Foo", "\"1,2\""}}));
  EXPECT_NE(variant("foo", {{"Foo", "1,2"}}), variant("foo", {{"Foo", "2,1"}}));
  EXPECT_NE(variant("bar,foo", {{"Foo", "1"}}), variant("bar,foo", {{"Bar", "1"}}));
  EXPECT_NE(variant("cookie", {{"Cookie", "a=1, 2"}}), variant("cookie", {{"Cookie", "a=1,2"}}));
  // Fields whose syntax we do not know, and which may be something else than lists.
  EXPECT_NE(variant("foo", {{"Foo", "a b, c"}}), variant("foo", {{"Foo", "a b,c"}}));
  EXPECT_NE(variant("foo", {{"Foo", "{1, 2}"}}), variant("foo", {{"Foo", "{1,2}"}}));
  EXPECT_NE(variant("foo", {{"Foo", "(1, 2)"}}), variant("foo", {{"Foo", "(1,2)"}}));
  EXPECT_NE(variant("user-agent", {{"User-Agent", "A (b, c)"}}),
            variant("user-agent", {{"User-Agent", "A (b,c)"}}));
  EXPECT_NE(variant("accept-language", {{"Accept-Language", "en,de"}}),
            variant("accept-language", {{"Accept-Language", "de,en"}}));
}

TEST(Vary, SortsLanguagesByPolicy) {
  VaryPolicy policy;
  policy.sort_languages = true;
  EXPECT_EQ(variant("accept-language", {{"Accept-Language", "en, de"}}, policy),
            variant("accept-language", {{"Accept-Language", "de, en"}}, policy));
  EXPECT_EQ(variant("accept-language", {{"Accept-Language", "de;q=0.5, fr;q=0.7, en"}}, policy),
            variant("accept-language", {{"Accept-Language", "en, fr;q=0.7, de;q=0.5"}}, policy));
  EXPECT_NE(variant("accept-language", {{"Accept-Language", "de;q=0.5, en;q=0.6"}}, policy),
            variant("accept-language", {{"Accept-Language", "de;q=0.6, en;q=0.5"}}, policy));
}

struct EncodingCase {
  std::string_view in, out;
};

// RFC 9110 section 12.5.3.
TEST(Vary, ReducesAcceptEncoding) {
  static constexpr EncodingCase kCases[] = {
      {"gzip", "gzip"},
      {"gzip, deflate, br", "br,gzip"},
      {"br;q=1.0, gzip;q=0.8, *;q=0.1", "zstd,br,gzip"},
      {"GZIP", "gzip"},
      {"x-gzip", "gzip"},
      {"gzip;q=0", "identity"},
      {"gzip;q=0.000, br", "br"},
      {"gzip;q=0.001", "gzip"},
      {"gzip; Q=0", "identity"},
      {"*", "zstd,br,gzip"},
      {"*;q=0", "identity;q=0"},
      {"*;q=0, identity", "identity"},
      {"gzip;q=0, *", "zstd,br"},
      {"identity;q=0, gzip", "gzip,identity;q=0"},
      {"identity", "identity"},
      {"deflate", "identity"},
      {"", "identity"},
      {",,", "identity"},
  };
  const VaryPolicy policy;
  for (const EncodingCase& c : kCases) {
    std::string out;
    append_reduced_encoding(c.in, policy, out);
    EXPECT_EQ(out, c.out) << c.in;
    std::string again;
    append_reduced_encoding(out, policy, again);
    EXPECT_EQ(again, out) << "an origin that is sent the reduced form sees the same set";
  }
  EXPECT_EQ(variant("accept-encoding", {{"Accept-Encoding", "gzip"}, {"Accept-Encoding", "br"}}),
            variant("accept-encoding", {{"Accept-Encoding", "br, gzip"}}));
  VaryPolicy raw;
  raw.encodings.clear();
  EXPECT_NE(variant("accept-encoding", {{"Accept-Encoding", "gzip, x"}}, raw),
            variant("accept-encoding", {{"Accept-Encoding", "gzip"}}, raw));
}

}  // namespace
}  // namespace meridian::http
