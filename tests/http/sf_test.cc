#include "lib/http/sf.h"

#include <gtest/gtest.h>

namespace meridian::http::sf {
namespace {

struct ItemCase {
  std::string_view in;
  std::string_view out;  // the canonical form; "!" for a failure
};

std::string round_trip_item(std::string_view in) {
  const std::optional<Item> item = parse_item(in);
  return item ? serialize(*item).value_or("?unserialisable") : "!";
}

// RFC 8941 sections 4.2.3 to 4.2.8.
TEST(StructuredItem, CanonicalForms) {
  static constexpr ItemCase kCases[] = {
      {"42", "42"},
      {"  42  ", "42"},
      {"\t42", "!"},
      {"42\t", "!"},
      {"-0", "0"},
      {"00042", "42"},
      {"-42", "-42"},
      {"--42", "!"},
      {"4-2", "!"},
      {"- 42", "!"},
      {"-", "!"},
      {"999999999999999", "999999999999999"},
      {"-999999999999999", "-999999999999999"},
      {"1000000000000000", "!"},
      {"1.5", "1.5"},
      {"1.500", "1.5"},
      {"1.0", "1.0"},
      {"-0.001", "-0.001"},
      {"1.", "!"},
      {".1", "!"},
      {"1.0001", "!"},
      {"1.5.4", "!"},
      {"123456789012.123", "123456789012.123"},
      {"1234567890123.1", "!"},
      {"\"a b\"", "\"a b\""},
      {"\"\"", "\"\""},
      {"\"a\\\"b\\\\\"", "\"a\\\"b\\\\\""},
      {"\"a\\b\"", "!"},
      {"\"open", "!"},
      {"\"end\\", "!"},
      {"\"tab\t\"", "!"},
      {"\"\xc3\xa9\"", "!"},
      {"'single'", "!"},
      {"token", "token"},
      {"*t", "*t"},
      {"a/b:c!#", "a/b:c!#"},
      {"a b", "!"},
      {"a,b", "!"},
      {":aGVsbG8=:", ":aGVsbG8=:"},
      {":aGVsbG8:", ":aGVsbG8=:"},
      {"::", "::"},
      {":aGVsbG8", "!"},
      {":=aGVsbG8=:", "!"},
      {":a===:", "!"},
      {":_-Ah:", "!"},
      {":iZ==:", ":iQ==:"},
      {"?1", "?1"},
      {"?0", "?0"},
      {"?2", "!"},
      {"?", "!"},
      {"?T", "!"},
      {"", "!"},
      {"   ", "!"},
      {"1;a;b=2", "1;a;b=2"},
      {"1; a; b=?0", "1;a;b=?0"},
      {"1;a=?1", "1;a"},
      {"1;a=1;b=2;a=3", "1;a=3;b=2"},
      {"1;A", "!"},
      {"1;", "!"},
      {"1 ;a", "!"},
      {"1;a=", "!"},
      {"1;a =1", "!"},
      {"1;*a=1", "1;*a=1"},
      {"1;a_-.*9=x", "1;a_-.*9=x"},
      {"1;9a", "!"},
      {"(1 2)", "!"},
  };
  for (const ItemCase& c : kCases) EXPECT_EQ(round_trip_item(c.in), c.out) << c.in;
}

std::string round_trip_list(std::string_view in) {
  const std::optional<List> list = parse_list(in);
  return list ? serialize(*list).value_or("?unserialisable") : "!";
}

// RFC 8941 sections 4.2.1 and 4.2.1.2.
TEST(StructuredList, CanonicalForms) {
  static constexpr ItemCase kCases[] = {
      {"", ""},
      {"1", "1"},
      {"1, 42", "1, 42"},
      {"1,42", "1, 42"},
      {"1 ,  42", "1, 42"},
      {"1\t,\t42", "1, 42"},
      {"1,", "!"},
      {",1", "!"},
      {"1,,42", "!"},
      {"1 2", "!"},
      {"1,\n2", "!"},
      {"()", "()"},
      {"( 1  2 );q=1, ()", "(1 2);q=1, ()"},
      {"(1;a \"b\";c=?0);d", "(1;a \"b\";c=?0);d"},
      {"(1 2", "!"},
      {"(1,2)", "!"},
      {"(1\"b\")", "!"},
      {"((1))", "!"},
      {"(1\t2)", "!"},
      {"a;x=1, b;y", "a;x=1, b;y"},
  };
  for (const ItemCase& c : kCases) EXPECT_EQ(round_trip_list(c.in), c.out) << c.in;
}

std::string round_trip_dictionary(std::string_view in) {
  const std::optional<Dictionary> dictionary = parse_dictionary(in);
  return dictionary ? serialize(*dictionary).value_or("?unserialisable") : "!";
}

// RFC 8941 section 4.2.2.
TEST(StructuredDictionary, CanonicalForms) {
  static constexpr ItemCase kCases[] = {
      {"", ""},
      {"a", "a"},
      {"a=?1", "a"},
      {"a=?0", "a=?0"},
      {"a;x=1", "a;x=1"},
      {"a=?1;x", "a;x"},
      {"a=1,b=2", "a=1, b=2"},
      {"a=1, b, a=3", "a=3, b"},
      {"a=1;x=1, a=2", "a=2"},
      {"a=(1 2), b=()", "a=(1 2), b=()"},
      {"a = 1", "!"},
      {"a =1", "!"},
      {"a= 1", "!"},
      {"A=1", "!"},
      {"MaX-aGe=3600", "!"},
      {"a=1,", "!"},
      {"a=1 b=2", "!"},
      {"a=1,,b=2", "!"},
      {"=1", "!"},
      {"max-age=10000, &&&&&", "!"},
  };
  for (const ItemCase& c : kCases) EXPECT_EQ(round_trip_dictionary(c.in), c.out) << c.in;
}

// RFC 8941 section 3.1 and 3.2: what must be supported at least; beyond it we refuse.
TEST(StructuredField, Bounds) {
  const auto list_of = [](std::size_t n) {
    std::string text = "1";
    for (std::size_t i = 1; i < n; ++i) text += ",1";
    return text;
  };
  EXPECT_EQ(parse_list(list_of(kMaxMembers))->size(), kMaxMembers);
  EXPECT_FALSE(parse_list(list_of(kMaxMembers + 1)));
  std::string dictionary;
  std::string parameters = "1";
  for (std::size_t i = 0; i < kMaxMembers; ++i) dictionary += (i > 0 ? ",k" : "k") + std::to_string(i);
  for (std::size_t i = 0; i < kMaxParameters; ++i) parameters += ";p" + std::to_string(i);
  EXPECT_TRUE(parse_dictionary(dictionary));
  EXPECT_FALSE(parse_dictionary(dictionary + ",one-more"));
  EXPECT_TRUE(parse_item(parameters));
  EXPECT_FALSE(parse_item(parameters + ";one-more"));
  std::string inner = "(1";
  for (std::size_t i = 1; i < kMaxInnerItems; ++i) inner += " 1";
  EXPECT_TRUE(parse_list(inner + ")"));
  EXPECT_FALSE(parse_list(inner + " 1)"));
}

TEST(StructuredField, Values) {
  EXPECT_EQ(parse_item("1.25")->value.number(), 1250);
  EXPECT_EQ(parse_item(":AAEC/w==:")->value.text(), std::string("\x00\x01\x02\xff", 4));
  const std::optional<Dictionary> dictionary = parse_dictionary("u=1, i;a=b");
  EXPECT_EQ(find(*dictionary, "u")->value, BareItem::integer(1));
  EXPECT_TRUE(find(*dictionary, "i")->value.is_true());
  EXPECT_EQ(*find(find(*dictionary, "i")->parameters, "a"), BareItem::token("b"));
  EXPECT_EQ(find(*dictionary, "x"), nullptr);
}

// RFC 8941 section 4.1: what cannot be serialised fails.
TEST(StructuredField, SerialiseRefuses) {
  EXPECT_FALSE(serialize(BareItem::integer(kMaxInteger + 1)));
  EXPECT_FALSE(serialize(BareItem::decimal_thousandths(-kMaxInteger - 1)));
  EXPECT_FALSE(serialize(BareItem::string("\n")));
  EXPECT_FALSE(serialize(BareItem::token("")));
  EXPECT_FALSE(serialize(BareItem::token("1a")));
  EXPECT_FALSE(serialize(BareItem::token("a b")));
  EXPECT_FALSE(serialize(Item{BareItem::integer(1), {{"A", BareItem::boolean(true)}}}));
  EXPECT_FALSE(serialize(Dictionary{{"", Member{}}}));
}

}  // namespace
}  // namespace meridian::http::sf
