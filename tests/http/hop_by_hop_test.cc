#include "lib/http/hop_by_hop.h"

#include <gtest/gtest.h>

#include "tests/http/heads.h"

namespace meridian::http {
namespace {

std::string passed(Lines lines, const FieldSet& without = {}, const std::vector<std::string>& names = {}) {
  std::string block;
  append_end_to_end(fields(lines), without, names, block);
  return block;
}

// RFC 9110 section 7.6.1.
TEST(HopByHop, Removed) {
  EXPECT_EQ(passed({{"Connection", "close"},
                    {"Keep-Alive", "1"},
                    {"Proxy-Connection", "x"},
                    {"Proxy-Authenticate", "x"},
                    {"Proxy-Authorization", "x"},
                    {"Proxy-Authentication-Info", "x"},
                    {"TE", "trailers"},
                    {"Trailer", "x"},
                    {"Transfer-Encoding", "chunked"},
                    {"Upgrade", "h2c"},
                    {"A", "1"}}),
            "A: 1\r\n");
  EXPECT_EQ(passed({{"Connection", "a, B"}, {"A", "1"}, {"b", "2"}, {"C", "3"}}), "C: 3\r\n");
  EXPECT_EQ(passed({{"Connection", "a"}, {"Connection", "c"}, {"A", "1"}, {"C", "3"}}), "");
}

TEST(HopByHop, ConnectionCannotStripWhatOthersRelyOn) {
  EXPECT_EQ(passed({{"Connection", "Cache-Control, Host, Cookie, Authorization, Vary, close, keep-alive"},
                    {"Cache-Control", "private"},
                    {"Host", "h"},
                    {"Cookie", "a"},
                    {"Authorization", "b"},
                    {"Vary", "c"},
                    {"Close", "d"}}),
            "Cache-Control: private\r\nHost: h\r\nCookie: a\r\nAuthorization: b\r\nVary: c\r\nClose: d\r\n");
}

TEST(HopByHop, Without) {
  EXPECT_EQ(passed({{"ETag", "1"}, {"A", "1"}, {"B", "1"}}, {FieldId::kEtag}, {"b"}), "A: 1\r\n");
  EXPECT_EQ(passed({{"A", "1"}}, {FieldId::kOther}), "A: 1\r\n");
  const ConnectionOptions options(fields({{"Connection", "Upgrade, Close"}}));
  EXPECT_TRUE(options.close());
  EXPECT_TRUE(options.upgrade());
}

}  // namespace
}  // namespace meridian::http
