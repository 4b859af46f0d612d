#include "origin/upstream/origin_url.h"

#include <gtest/gtest.h>

namespace meridian::upstream {
namespace {

struct Good {
  const char* url;
  bool tls;
  const char* host;
  int port;
  const char* authority;
  const char* base;
};

TEST(OriginUrl, TakesItApart) {
  const Good cases[] = {
      {"http://a.test", false, "a.test", 80, "a.test", ""},
      {"http://A.Test:80/", false, "a.test", 80, "A.Test", ""},
      {"https://a.test:8443/app/v1/", true, "a.test", 8443, "a.test:8443", "/app/v1"},
      {"https://a.test:443", true, "a.test", 443, "a.test", ""},
      {"http://a.test:443", false, "a.test", 443, "a.test:443", ""},
      {"http://[::1]:3000/x", false, "::1", 3000, "[::1]:3000", "/x"},
      {"http://[2001:db8::1]", false, "2001:db8::1", 80, "[2001:db8::1]", ""},
  };
  for (const Good& c : cases) {
    const Result<OriginUrl> url = OriginUrl::parse(c.url);
    ASSERT_TRUE(url) << c.url;
    EXPECT_EQ(url->tls, c.tls);
    EXPECT_EQ(url->host, c.host);
    EXPECT_EQ(url->port, c.port) << c.url;
    EXPECT_EQ(url->authority, c.authority);
    EXPECT_EQ(url->base_path, c.base);
  }
}

TEST(OriginUrl, RefusesWhatIsNone) {
  for (const char* url :
       {"", "a.test", "ftp://a.test", "http://", "http://:80", "http://a.test:", "http://a.test:0",
        "http://a.test:65536", "http://a.test:8x", "http://u@a.test", "http://a b", "http://a.test/?q",
        "http://a.test/#f", "http://[::1", "http://[]", "http://[::1]x", "http://a.test/\r\nX: y"}) {
    EXPECT_FALSE(OriginUrl::parse(url)) << url;
  }
}

}  // namespace
}  // namespace meridian::upstream
