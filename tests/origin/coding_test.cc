#include "origin/server/coding.h"

#include <gtest/gtest.h>

#include <string>

#include "origin/server/media_types.h"

namespace meridian::origin {
namespace {

std::string chosen(std::string_view accept) {
  std::string names;
  for (const Coding& coding : acceptable_codings(accept))
    names.append(names.empty() ? "" : " ").append(coding.name);
  return names;
}

TEST(Coding, FollowsAcceptEncoding) {
  const std::pair<const char*, const char*> cases[] = {
      {"", ""},
      {"gzip", "gzip"},
      {"x-gzip", "gzip"},
      {"GZIP", "gzip"},
      {"gzip, deflate, br, zstd", "br zstd gzip"},
      {"gzip;q=1, br;q=0.5", "gzip br"},
      {"br;q=0.5, gzip;q=0.501", "gzip br"},
      {"br;q=0, gzip", "gzip"},
      {"*", "br zstd gzip"},
      {"*;q=0", ""},
      {"*;q=0, gzip;q=0.1", "gzip"},
      {"br;q=0, *", "zstd gzip"},
      {"identity, gzip;q=0.5", ""},
      {"identity;q=0.5, gzip;q=0.5", "gzip"},
      {"identity;q=0, gzip;q=0.1", "gzip"},
      {"gzip ; q=0.5", "gzip"},
      {"gzip;Q=0.5", "gzip"},
      {"gzip;q=2", ""},
      {"gzip;q=0.1234", ""},
      {"gzip;q=", ""},
      {"gzip;level=9", ""},
      {"deflate, compress", ""},
  };
  for (const auto& [accept, names] : cases) EXPECT_EQ(chosen(accept), names) << accept;
}

TEST(MediaTypes, GoByTheEndOfTheName) {
  EXPECT_EQ(media_type_of("index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(media_type_of("A.PNG"), "image/png");
  EXPECT_EQ(media_type_of("x.tar.gz"), "application/gzip");
  EXPECT_EQ(media_type_of("app.mjs"), "text/javascript; charset=utf-8");
  EXPECT_EQ(media_type_of("README"), "application/octet-stream");
  EXPECT_EQ(media_type_of("x."), "application/octet-stream");
  EXPECT_EQ(media_type_of("x.unheard-of"), "application/octet-stream");
  EXPECT_EQ(media_type_of("x." + std::string(300, 'a')), "application/octet-stream");
}

}  // namespace
}  // namespace meridian::origin
