#include "origin/server/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace meridian::origin {
namespace {

TEST(Glob, Matches) {
  struct Case {
    const char* pattern;
    const char* path;
    bool matches;
  };
  const Case cases[] = {
      {"/a", "/a", true},
      {"/a", "/ab", false},
      {"/a", "/", false},
      {"/*", "/a", true},
      {"/*", "/", true},
      {"/*", "/a/b", false},
      {"/**", "/a/b", true},
      {"/**", "/", true},
      {"**", "/a/b/c", true},
      {"/a/**/z", "/a/b/c/z", true},
      {"/a/**/z", "/a/z", false},
      {"/a/**z", "/a/z", true},
      {"/img/*.png", "/img/x.png", true},
      {"/img/*.png", "/img/x/y.png", false},
      {"/img/*.png", "/img/x.png.txt", false},
      {"/img/**.png", "/img/x/y.png", true},
      {"/img/**.png", "/img/a.png/b.png", true},
      {"/?", "/a", true},
      {"/?", "/ab", false},
      {"/a?b", "/a/b", false},
      {"/*a*a", "/aaa", true},
      {"/*a*b", "/aaa", false},
      {"/**/*.js", "/x/y/z.js", true},
      {"/**/*.js", "/z.js", false},
      {"/**/*.js", "/x/z.js/q", false},
      {"/**/a*/**/b", "/x/aq/y/b", true},
      {"/**/a*/**/b", "/x/q/y/b", false},
      {"", "", true},
      {"", "/", false},
      {"*", "", true},
  };
  for (const Case& c : cases)
    EXPECT_EQ(glob_matches(c.pattern, c.path), c.matches) << c.pattern << " " << c.path;
}

// Every star tries every place: with backtracking over all of them this would not end.
TEST(Glob, StaysCheapOnHostilePatterns) {
  std::string pattern = "/";
  for (int i = 0; i < 30; ++i) pattern += "*a";
  EXPECT_FALSE(glob_matches(pattern + "b", "/" + std::string(5000, 'a')));
  std::string deep;
  for (int i = 0; i < 30; ++i) deep += "**a";
  EXPECT_FALSE(glob_matches(deep + "b", "/" + std::string(5000, 'a')));
}

}  // namespace
}  // namespace meridian::origin
