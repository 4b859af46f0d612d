#include "lib/http/invalidation.h"

#include <gtest/gtest.h>

#include "tests/http/heads.h"

namespace meridian::http {
namespace {

using Keys = std::vector<std::string>;

// RFC 9111 section 4.4.
TEST(Invalidation, MethodsAndStatuses) {
  for (std::string_view method : {"POST", "PUT", "DELETE", "PATCH", "M-SEARCH"}) {
    EXPECT_TRUE(invalidates(method_of(method), 200)) << method;
    EXPECT_TRUE(invalidates(method_of(method), 303)) << method;
    EXPECT_FALSE(invalidates(method_of(method), 500)) << method;
    EXPECT_FALSE(invalidates(method_of(method), 404)) << method;
    EXPECT_FALSE(invalidates(method_of(method), 100)) << method;
  }
  for (std::string_view method : {"GET", "HEAD", "OPTIONS", "TRACE"}) {
    EXPECT_FALSE(invalidates(method_of(method), 200)) << method;
  }
}

TEST(Invalidation, Keys) {
  EXPECT_EQ(invalidated_keys(request("POST"), response(200), {}), Keys{"http://example.test/a"});
  EXPECT_EQ(invalidated_keys(request("POST"), response(500, {{"Location", "/b"}}), {}), Keys{});
  EXPECT_EQ(
      invalidated_keys(request("PUT"),
                       response(201, {{"Location", "location_target"}, {"Content-Location", "/c?d"}}), {}),
      (Keys{"http://example.test/a", "http://example.test/location_target", "http://example.test/c?d"}));
  EXPECT_EQ(
      invalidated_keys(
          request("PUT"),
          response(200, {{"Location", "HTTP://Example.TEST:80/x/../b"}, {"Content-Location", "/a"}}), {}),
      (Keys{"http://example.test/a", "http://example.test/b"}));
  for (std::string_view elsewhere :
       {"http://other.test/b", "https://example.test/b", "http://example.test:81/b", "//other.test/b",
        "mailto:a", "/a%zz", "http://user@example.test/b"}) {
    EXPECT_EQ(invalidated_keys(request("POST"), response(200, {{"Location", elsewhere}}), {}),
              Keys{"http://example.test/a"})
        << elsewhere;
  }
}

TEST(Invalidation, ByTheSitesKeys) {
  UriPolicy policy;
  policy.drop_query = true;
  EXPECT_EQ(invalidated_keys(request("POST", {}, "/a?b"), response(200, {{"Location", "/c?d"}}), policy),
            (Keys{"http://example.test/a", "http://example.test/c"}));
}

}  // namespace
}  // namespace meridian::http
