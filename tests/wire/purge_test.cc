#include "lib/wire/purge.h"

#include <gtest/gtest.h>

namespace meridian::wire {
namespace {

Purge one_of_each() {
  return {PurgeMode::kSoft,
          {{PurgeScope::kUrl, "https://www.example.test/a?b=c", ""},
           {PurgeScope::kPrefix, "http://www.example.test:8080/img/", "shop"},
           {PurgeScope::kTag, "product-42", "shop"},
           {PurgeScope::kTag, "\"quoted\"", ""},
           {PurgeScope::kSite, "shop", ""},
           {PurgeScope::kAll, "", ""}}};
}

TEST(Purge, IsReadAsItWasWritten) {
  const std::string text = serialize(one_of_each());
  EXPECT_EQ(
      text,
      R"({"mode":"soft","targets":[{"url":"https://www.example.test/a?b=c"},)"
      R"({"prefix":"http://www.example.test:8080/img/","site":"shop"},{"tag":"product-42","site":"shop"},)"
      R"({"tag":"\"quoted\""},{"site":"shop"},{"all":true}]})");
  const Result<Purge> again = parse_purge(text);
  ASSERT_TRUE(again) << again.error().context;
  EXPECT_EQ(*again, one_of_each());
}

std::string problem(const std::string& target) {
  const Result<Purge> purge = parse_purge(R"({"mode":"hard","targets":[)" + target + "]}");
  return purge ? "ok" : purge.error().context;
}

TEST(Purge, WhatIsWrongIsNamed) {
  EXPECT_EQ(problem(R"({"url":"https://h/"})"), "ok");
  EXPECT_EQ(problem(""), "targets is to have at least one member");
  EXPECT_EQ(problem("{}"), "targets[0].site is missing");
  EXPECT_EQ(problem(R"({"url":"https://h/"},{"tag":"a b"})"),
            "targets[1].tag is to be visible ASCII characters without a comma");
  EXPECT_EQ(problem(R"({"url":"https://h/","tag":"a"})"), "targets[0].tag is not known");
  EXPECT_EQ(problem(R"({"all":true,"site":"a"})"), "targets[0].site is not known");
  EXPECT_EQ(problem(R"({"all":false})"), "targets[0].all is to be true, when it is there");
  EXPECT_EQ(problem(R"({"tag":""})"), "targets[0].tag is to have 1 to 1024 bytes");
  EXPECT_EQ(problem(R"({"tag":"a","site":""})"), "targets[0].site is to have 1 to 255 bytes");
  EXPECT_EQ(problem(R"({"site":")" + std::string(256, 'x') + "\"}"),
            "targets[0].site is to have 1 to 255 bytes");
  EXPECT_EQ(problem(R"({"url":"https://h/)" + std::string(8200, 'x') + "\"}"),
            "targets[0].url is to have 1 to 8192 bytes");
  EXPECT_EQ(parse_purge(R"({"targets":[{"all":true}]})").error().context, "mode is missing");
  EXPECT_EQ(parse_purge(R"({"mode":"HARD","targets":[{"all":true}]})").error().context,
            "mode is to be hard or soft");
  EXPECT_EQ(parse_purge(R"({"mode":"hard","targets":[{"all":true}],"x":1})").error().context,
            "x is not known");
  EXPECT_FALSE(parse_purge("[]"));
}

TEST(Purge, UrlsHaveOneForm) {
  for (const std::string_view good :
       {"http://h/", "https://h:8443/a/../b?c", "https://[::1]:80/a%20b", "http://h/?"})
    EXPECT_EQ(problem(R"({"url":")" + std::string(good) + "\"}"), "ok") << good;
  for (const std::string_view bad :
       {"h/", "//h/", "ftp://h/", "HTTP://h/", "http:/h/", "http:///", "http://h", "http://H/", "http://u@h/",
        "http://h?/", "http://h\\\\/", "http://h%41/", "http://h/ ", "http://h/\\n", "http://h/\\u00e9",
        "http://h/#a", ""})
    EXPECT_NE(problem(R"({"url":")" + std::string(bad) + "\"}"), "ok") << bad;
}

TEST(Purge, Matching) {
  const std::string_view tags[] = {"red", "blue"};
  const PurgeSubject subject{"https://h/img/a.png?v=1", "shop", tags};
  const auto hits = [&](PurgeScope scope, std::string value, std::string site = "") {
    return matches(PurgeTarget{scope, std::move(value), std::move(site)}, subject);
  };
  EXPECT_TRUE(hits(PurgeScope::kUrl, "https://h/img/a.png?v=1"));
  EXPECT_TRUE(hits(PurgeScope::kUrl, "https://h/img/a.png?v=1", "shop"));
  EXPECT_FALSE(hits(PurgeScope::kUrl, "https://h/img/a.png?v=1", "blog"));
  EXPECT_FALSE(hits(PurgeScope::kUrl, "https://h/img/a.png"));
  EXPECT_FALSE(hits(PurgeScope::kUrl, "http://h/img/a.png?v=1"));
  EXPECT_TRUE(hits(PurgeScope::kPrefix, "https://h/"));
  EXPECT_TRUE(hits(PurgeScope::kPrefix, "https://h/img/a"));
  EXPECT_TRUE(hits(PurgeScope::kPrefix, "https://h/img/a.png?v=1", "shop"));
  EXPECT_FALSE(hits(PurgeScope::kPrefix, "https://h/img/a", "blog"));
  EXPECT_FALSE(hits(PurgeScope::kPrefix, "https://h/img/a.png?v=12"));
  EXPECT_TRUE(hits(PurgeScope::kTag, "blue"));
  EXPECT_TRUE(hits(PurgeScope::kTag, "red", "shop"));
  EXPECT_FALSE(hits(PurgeScope::kTag, "red", "blog"));
  EXPECT_FALSE(hits(PurgeScope::kTag, "Red"));
  EXPECT_TRUE(hits(PurgeScope::kSite, "shop"));
  EXPECT_FALSE(hits(PurgeScope::kSite, "blog"));
  EXPECT_TRUE(hits(PurgeScope::kAll, ""));
  EXPECT_TRUE(matches(
      Purge{PurgeMode::kSoft, {{PurgeScope::kTag, "green", ""}, {PurgeScope::kSite, "shop", ""}}}, subject));
  EXPECT_FALSE(matches(Purge{PurgeMode::kHard, {{PurgeScope::kTag, "green", ""}}}, subject));
}

TEST(Purge, LargeOnesAreSplitAndStayWhole) {
  std::vector<PurgeTarget> targets;
  for (std::size_t i = 0; i < kMostPurgeTargets; ++i)
    targets.push_back({PurgeScope::kUrl, "https://h/\"" + std::to_string(i) + std::string(i % 300, 'x'), ""});
  targets[77].value = "https://h/" + std::string(kMostPurgeUrlBytes - 10, 'y');
  std::vector<PurgeTarget> joined;
  const std::vector<Purge> purges = split_purge(PurgeMode::kSoft, targets);
  for (const Purge& purge : purges) {
    EXPECT_LE(serialize(purge).size(), kMostPurgeBytes);
    EXPECT_EQ(purge.mode, PurgeMode::kSoft);
    const Result<Purge> again = parse_purge(serialize(purge));
    ASSERT_TRUE(again) << again.error().context;
    joined.insert(joined.end(), again->targets.begin(), again->targets.end());
  }
  EXPECT_EQ(joined, targets);
  EXPECT_LT(purges.size(), 60U);
  EXPECT_TRUE(split_purge(PurgeMode::kHard, {}).empty());
}

}  // namespace
}  // namespace meridian::wire
