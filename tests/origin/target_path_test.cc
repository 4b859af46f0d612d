#include "origin/server/target_path.h"

#include <gtest/gtest.h>

namespace meridian::origin {
namespace {

struct Decoded {
  const char* target;
  const char* relative;
  bool wants_directory;
};

TEST(TargetPath, Decodes) {
  const Decoded cases[] = {
      {"/", "", true},          {"/a", "a", false},
      {"/a/", "a", true},       {"/a/b.txt?x=/../..", "a/b.txt", false},
      {"/a%20b", "a b", false}, {"/%C3%A9", "\xC3\xA9", false},
      {"/a//b", "a/b", false},  {"//a", "a", false},
      {"/./a", "a", false},     {"/a/./b/..", "a", true},
      {"/a/../b", "b", false},  {"/a/%2e%2E/b", "b", false},
      {"/a/.", "a", true},      {"/...", "...", false},
      {"/a+b", "a+b", false},
  };
  for (const Decoded& c : cases) {
    TargetPath path;
    EXPECT_EQ(decode_target(c.target, path), PathFault::kNone) << c.target;
    EXPECT_EQ(path.relative, c.relative) << c.target;
    EXPECT_EQ(path.wants_directory, c.wants_directory) << c.target;
  }
}

TEST(TargetPath, Refuses) {
  const std::pair<const char*, PathFault> cases[] = {
      {"", PathFault::kMalformed},
      {"*", PathFault::kMalformed},
      {"a", PathFault::kMalformed},
      {"/%", PathFault::kMalformed},
      {"/%4", PathFault::kMalformed},
      {"/%zz", PathFault::kMalformed},
      {"/%00", PathFault::kMalformed},
      {"/a%00.txt", PathFault::kMalformed},
      {"/..", PathFault::kEscape},
      {"/a/../..", PathFault::kEscape},
      {"/%2e%2e/etc", PathFault::kEscape},
      {"/./../x", PathFault::kEscape},
      {"/..%2f..%2fetc", PathFault::kNoSuch},
      {"/a%2fb", PathFault::kNoSuch},
  };
  for (const auto& [target, fault] : cases) {
    TargetPath path;
    EXPECT_EQ(decode_target(target, path), fault) << target;
  }
  TargetPath path;
  EXPECT_EQ(decode_target("/" + std::string(256, 'a'), path), PathFault::kNoSuch);
  EXPECT_EQ(decode_target("/" + std::string(255, 'a'), path), PathFault::kNone);
}

TEST(TargetPath, KnowsHiddenNames) {
  const std::pair<const char*, bool> cases[] = {
      {"/.git/config", true},    {"/a/.env", true},        {"/%2eenv", true},         {"/a/b", false},
      {"/.well-known/x", false}, {"/a/.well-known", true}, {"/.well-known/.x", true}, {"/.git/../a", false},
  };
  for (const auto& [target, hidden] : cases) {
    TargetPath path;
    ASSERT_EQ(decode_target(target, path), PathFault::kNone) << target;
    EXPECT_EQ(path.hidden, hidden) << target;
  }
}

// "//host/.." must not become a redirect to another host.
TEST(TargetPath, EncodesWithOneSlash) {
  const std::pair<const char*, const char*> cases[] = {
      {"//evil.example/a", "/evil.example/a/"},
      {"/a b%3F%23%25", "/a%20b%3F%23%25/"},
      {"/", "/"},
      {"/%5Cevil", "/%5Cevil/"},
      {"/x%0d%0ay", "/x%0D%0Ay/"},
  };
  for (const auto& [target, encoded] : cases) {
    TargetPath path;
    ASSERT_EQ(decode_target(target, path), PathFault::kNone) << target;
    EXPECT_EQ(encode_path(path, true), encoded) << target;
  }
}

TEST(TargetPath, ParsesQueries) {
  const auto query = parse_query("a=1&b=x%3Dy+z&&c&a=2");
  ASSERT_TRUE(query.has_value());
  const QueryParameters expected = {{"a", "1"}, {"b", "x=y z"}, {"c", ""}, {"a", "2"}};
  EXPECT_EQ(*query, expected);
  EXPECT_FALSE(parse_query("a=%").has_value());
  EXPECT_TRUE(parse_query("")->empty());
}

}  // namespace
}  // namespace meridian::origin
