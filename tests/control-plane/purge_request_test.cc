#include "control-plane/purge_request.h"

#include <gtest/gtest.h>

namespace meridian::control {
namespace {

std::string normal(std::string_view url) {
  const auto found = normal_url(url);
  return found ? *found : "refused: " + found.error().context;
}

TEST(PurgeRequest, UrlsComeOutAsCacheKeys) {
  EXPECT_EQ(normal("HTTPS://WWW.Example.test:443/a/../b%7e?c=%41"), "https://www.example.test/b~?c=A");
  EXPECT_EQ(normal("http://h:80"), "http://h/");
  EXPECT_EQ(normal("http://h?q"), "http://h/?q");
  EXPECT_EQ(normal("http://h:8080/img/a"), "http://h:8080/img/a");
  for (const std::string_view bad : {"", "h/a", "/a", "ftp://h/", "http://", "http:///a", "http://u@h/",
                                     "http://h/a#b", "http://h/%zz", "http://h/%00", "http://h/a b\n"})
    EXPECT_EQ(normal(bad).find("refused: "), 0U) << bad << " " << normal(bad);
}

TEST(PurgeRequest, Forms) {
  const std::string behind = R"({"tag":"x","site":"s"},{"all":true}]})";
  const auto many = parse_purge_request(
      R"({"mode":"soft","targets":[{"url":"http://H/a"},{"prefix":"http://h/i"},)" + behind);
  ASSERT_TRUE(many) << many.error().context;
  EXPECT_EQ(serialize(*many),
            R"({"mode":"soft","targets":[{"url":"http://h/a"},{"prefix":"http://h/i"},)" + behind);
  const auto one = parse_purge_request(R"({"tag":"x","mode":"soft"})");
  ASSERT_TRUE(one) << one.error().context;
  EXPECT_EQ(one->mode, wire::PurgeMode::kSoft);
  EXPECT_EQ(one->targets, (std::vector<wire::PurgeTarget>{{wire::PurgeScope::kTag, "x", ""}}));
  EXPECT_EQ(parse_purge_request(R"({"site":"x"})")->mode, wire::PurgeMode::kHard);
  // Whatever comes out is what a purge may be.
  EXPECT_EQ(*wire::parse_purge(serialize(*many)), *many);
}

TEST(PurgeRequest, WhatIsWrongIsNamed) {
  const auto problem = [](std::string_view body) {
    const auto purge = parse_purge_request(body);
    return purge ? "ok" : purge.error().context;
  };
  EXPECT_EQ(problem("{}"), "site is missing");
  EXPECT_EQ(problem("[]"), "the text is to be an object");
  EXPECT_EQ(problem(R"({"targets":[]})"), "targets is to have at least one member");
  EXPECT_EQ(problem(R"({"targets":[{"tag":"a"}],"tag":"b"})"), "targets stands alone, or beside mode");
  EXPECT_EQ(problem(R"({"mode":"gentle","tag":"b"})"), "mode is to be hard or soft");
  EXPECT_EQ(problem(R"({"tag":"a","tags":"b"})"), "tags is not known");
  EXPECT_EQ(problem(R"({"targets":[{"tag":"a"},{"url":"h"}]})"),
            "targets[1].url is to begin with http:// or https://");
  EXPECT_EQ(problem(R"({"url":"http://h/%00"})"), "url is no http(s) URL: uri-nul");
  EXPECT_EQ(problem(R"({"url":"http://h/","prefix":"http://h/"})"), "url is not known");
  std::string many = R"({"targets":[{"tag":"x"})";
  for (std::size_t i = 0; i < wire::kMostPurgeTargets; ++i) many += R"(,{"tag":"x"})";
  EXPECT_EQ(problem(many + "]}"), "targets is to have at most 10000 members");
}

TEST(PurgeRequest, APurgerMayBeLimitedToSites) {
  const auto refusal = [](Role role, std::vector<std::string> sites, std::string_view body) {
    return refusal_for(make_token("a", role, std::move(sites)).token, *parse_purge_request(body));
  };
  EXPECT_EQ(refusal(Role::kPurger, {"shop"}, R"({"site":"shop"})"), "");
  EXPECT_EQ(refusal(Role::kPurger, {"shop"}, R"({"tag":"a","site":"shop"})"), "");
  EXPECT_EQ(refusal(Role::kPurger, {}, R"({"all":true})"), "");
  EXPECT_EQ(refusal(Role::kAdmin, {}, R"({"all":true})"), "");
  EXPECT_NE(refusal(Role::kPurger, {"shop"}, R"({"all":true})"), "");
  EXPECT_NE(refusal(Role::kPurger, {"shop"}, R"({"tag":"a"})"), "");
  EXPECT_NE(refusal(Role::kPurger, {"shop"}, R"({"site":"blog"})"), "");
  EXPECT_NE(
      refusal(Role::kPurger, {"shop"}, R"({"targets":[{"site":"shop"},{"url":"http://h/","site":"blog"}]})"),
      "");
}

TEST(PurgeRequest, IdempotencyKeys) {
  EXPECT_EQ(*parse_idempotency_key(""), "");
  EXPECT_EQ(*parse_idempotency_key("abc-1"), "abc-1");
  EXPECT_EQ(*parse_idempotency_key("\"abc-1\""), "abc-1");
  for (const std::string& bad : {std::string("\"\""), std::string("a b"), std::string("a\"b"),
                                 std::string(129, 'x'), std::string(" ")})
    EXPECT_FALSE(parse_idempotency_key(bad)) << bad;
  const Token one = make_token("a", Role::kAdmin, {}).token;
  const Token two = make_token("a", Role::kAdmin, {}).token;
  EXPECT_NE(part_key(one, "k", 0), part_key(two, "k", 0));
  EXPECT_NE(part_key(one, "k", 0), part_key(one, "k", 1));
  EXPECT_EQ(part_key(one, "", 0), "");
}

}  // namespace
}  // namespace meridian::control
