#include "lib/wire/json.h"

#include <gtest/gtest.h>

#include "lib/wire/json_fields.h"

namespace meridian::wire {
namespace {

std::string again(std::string_view text) {
  const Result<Json> json = Json::parse(text);
  return json ? json->to_text() : "refused: " + json.error().context;
}

TEST(Json, IsWrittenAsItWasRead) {
  EXPECT_EQ(again(" null "), "null");
  EXPECT_EQ(again("[true,false,null]"), "[true,false,null]");
  EXPECT_EQ(again(" { \"a\" : [ ] , \"b\" : { } } "), R"({"a":[],"b":{}})");
  EXPECT_EQ(again(R"([0,-0,1.50,1e5,1E+5,-2.5e-3,123456789012345678901234567890])"),
            R"([0,-0,1.50,1e5,1E+5,-2.5e-3,123456789012345678901234567890])");
  EXPECT_EQ(again(R"("a\"\\\/\b\f\n\r\t")"), R"("a\"\\/\b\f\n\r\t")");
  EXPECT_EQ(again(R"("\u0041\u00e9\u20ac\ud83d\ude00\u0000")"),
            "\"A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\\u0000\"");
}

TEST(Json, WhatIsAmbiguousOrBrokenIsRefused) {
  for (const std::string_view bad : {"",
                                     " ",
                                     "nul",
                                     "nulls",
                                     "tru",
                                     "[1,]",
                                     "[,1]",
                                     "[1 2]",
                                     "[",
                                     "]",
                                     "{",
                                     "{\"a\"}",
                                     "{\"a\":}",
                                     "{a:1}",
                                     "{\"a\":1,}",
                                     "{\"a\":1,\"a\":2}",
                                     "{\"a\":1,\"\\u0061\":2}",
                                     "01",
                                     "-",
                                     "1.",
                                     ".5",
                                     "1e",
                                     "+1",
                                     "0x1",
                                     "NaN",
                                     "\"",
                                     "\"\\x\"",
                                     "\"\\u12\"",
                                     "\"\\u12g4\"",
                                     "\"\\ud800\"",
                                     "\"\\udc00\"",
                                     "\"\\ud800\\u0041\"",
                                     "\"\\ud800x\"",
                                     "\"a\nb\"",
                                     "\"\x80\"",
                                     "\"\xC0\x80\"",
                                     "\"\xED\xA0\x80\"",
                                     "\"\xF4\x90\x80\x80\"",
                                     "\"\xE2\x82\"",
                                     "1 2",
                                     "\"a\" x",
                                     "'a'",
                                     "[1]//",
                                     "\xEF\xBB\xBF[]"}) {
    EXPECT_FALSE(Json::parse(bad)) << bad;
  }
  EXPECT_EQ(Json::parse("[1,x]").error().context, "JSON at byte 3: no value");
  // A zero byte is no end.
  EXPECT_FALSE(Json::parse(std::string_view("[]\0", 3)));
}

TEST(Json, Bounds) {
  JsonLimits limits;
  limits.bytes = 20, limits.depth = 2, limits.values = 5;
  EXPECT_TRUE(Json::parse("[[1,2],3]", limits));
  const auto code_of = [&](std::string_view text) { return Json::parse(text, limits).error().code; };
  EXPECT_EQ(code_of("[[[1]]]"), ErrorCode::kTooLarge);
  EXPECT_EQ(code_of("[1,2,3,4,5]"), ErrorCode::kTooLarge);
  EXPECT_EQ(code_of("\"123456789012345678901\""), ErrorCode::kTooLarge);
  std::string wide = "{\"m0\":0";
  for (std::size_t i = 1; i < Json::kMostMembers; ++i) wide += ",\"m" + std::to_string(i) + "\":0";
  EXPECT_TRUE(Json::parse(wide + "}"));
  EXPECT_FALSE(Json::parse(wide + ",\"one more\":0}"));
  EXPECT_FALSE(Json::parse(std::string(100'000, '[')));
}

TEST(Json, Numbers) {
  EXPECT_EQ(Json::parse("18446744073709551615")->number(), UINT64_MAX);
  EXPECT_EQ(Json::parse("7")->number(7), 7U);
  for (const std::string_view not_whole : {"8", "-1", "1.0", "1e1", "18446744073709551616", "\"7\"", "true"})
    EXPECT_EQ(Json::parse(not_whole)->number(7), std::nullopt) << not_whole;
}

TEST(JsonWriter, PutsCommasWhereTheyBelong) {
  std::string text;
  JsonWriter writer(text);
  writer.begin_object().key("a").begin_array().number(1).integer(-2).begin_object().end_object().end_array();
  writer.key("b\n").null().key("c").flag(true).key("d").raw("[]").key("e").begin_object().key("f").string(
      "\x7F");
  writer.end_object().end_object();
  EXPECT_EQ(text, R"({"a":[1,-2,{}],"b\n":null,"c":true,"d":[],"e":{"f":"\u007f"}})");
  EXPECT_EQ(again(text), text);
}

TEST(JsonWriter, BytesThatAreNoTextBecomeReplacementCharacters) {
  std::string text;
  append_json_string("a\xFF\xC3\xA9\xE2\x82", text);
  EXPECT_EQ(text, "\"a\xEF\xBF\xBD\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(JsonFields, SaysTheFirstMistake) {
  const auto problem = [](std::string_view text) {
    const Result<Json> json = Json::parse(text);
    JsonFields fields(*json, "job");
    (void)fields.text("name", 1, 5);
    (void)fields.number_or("count", 1, 10);
    (void)fields.flag_or("now", false);
    const Result<void> end = fields.finish();
    return end ? std::string("ok") : end.error().context;
  };
  EXPECT_EQ(problem(R"({"name":"a"})"), "ok");
  EXPECT_EQ(problem(R"({"name":"a","count":10,"now":true})"), "ok");
  EXPECT_EQ(problem(R"({})"), "job.name is missing");
  EXPECT_EQ(problem(R"([])"), "job is to be an object");
  EXPECT_EQ(problem(R"({"name":1})"), "job.name is to be a string");
  EXPECT_EQ(problem(R"({"name":""})"), "job.name is to have 1 to 5 bytes");
  EXPECT_EQ(problem(R"({"name":"123456"})"), "job.name is to have 1 to 5 bytes");
  EXPECT_EQ(problem(R"({"name":"a","count":11})"), "job.count is to be a whole number from 0 to 10");
  EXPECT_EQ(problem(R"({"name":"a","count":-1})"), "job.count is to be a whole number from 0 to 10");
  EXPECT_EQ(problem(R"({"name":"a","count":null})"), "job.count is to be a number");
  EXPECT_EQ(problem(R"({"name":"a","now":0})"), "job.now is to be true or false");
  EXPECT_EQ(problem(R"({"name":"a","Name":"b"})"), "job.Name is not known");
}

}  // namespace
}  // namespace meridian::wire
