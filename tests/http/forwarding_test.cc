#include "lib/http/forwarding.h"

#include <gtest/gtest.h>

#include "tests/http/heads.h"

namespace meridian::http {
namespace {

const ForwardFacts kFacts = {"192.0.2.7", "https", "example.test:8443", "id-1"};

std::string to_origin(Lines lines, const ForwardPolicy& policy = {}, const ForwardFacts& facts = kFacts,
                      const FieldSet& without = {}) {
  std::string block;
  append_origin_request_fields(get(lines), policy, facts, without, block);
  return block;
}

// RFC 9110 section 7.6.3, RFC 7239, RFC 8586.
TEST(ToOrigin, OwnFields) {
  EXPECT_EQ(
      to_origin({{"Host", "h"}, {"Expect", "100-continue"}, {"Content-Length", "5"}, {"A", "1"}}),
      "A: 1\r\nVia: 1.1 meridian\r\n"
      "Forwarded: for=192.0.2.7;host=\"example.test:8443\";proto=https\r\n"
      "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: example.test:8443\r\n"
      "X-Forwarded-Port: 8443\r\nCDN-Loop: meridian\r\nX-Request-ID: id-1\r\n");
  ForwardPolicy bare;
  bare.forwarded = bare.x_forwarded = false;
  EXPECT_EQ(
      to_origin({{"Via", "1.0 x"}, {"Via", "2 y"}, {"CDN-Loop", "z; q=1"}, {"X-Request-ID", "theirs"}}, bare),
      "Via: 1.0 x, 2 y, 1.1 meridian\r\nCDN-Loop: z; q=1, meridian\r\nX-Request-ID: id-1\r\n");
  EXPECT_EQ(to_origin({{"X-Request-ID", "theirs"}, {"Range", "bytes=0-"}}, bare, {"::1", "http", "", ""},
                      {FieldId::kRange}),
            "X-Request-ID: theirs\r\nVia: 1.1 meridian\r\nCDN-Loop: meridian\r\n");
}

// What a client may set and the key does not hold must not reach the origin.
TEST(ToOrigin, UntrustedFamilyIsDropped) {
  ForwardPolicy bare;
  bare.forwarded = bare.x_forwarded = false;
  const std::string block = to_origin({{"X-Forwarded-For", "evil"},
                                       {"X-Forwarded-Host", "evil"},
                                       {"X-Forwarded-Proto", "evil"},
                                       {"X-Forwarded-Port", "evil"},
                                       {"X-Forwarded-Scheme", "evil"},
                                       {"x-forwarded-server", "evil"},
                                       {"X-Real-IP", "evil"},
                                       {"X-Host", "evil"},
                                       {"Forwarded", "host=evil"},
                                       {"X-Original-URL", "/evil"},
                                       {"X-Rewrite-URL", "/evil"},
                                       {"X-HTTP-Method-Override", "evil"},
                                       {"True-Client-IP", "evil"},
                                       {"X-Fine", "1"}},
                                      bare);
  EXPECT_EQ(block.find("evil"), std::string::npos) << block;
  EXPECT_NE(block.find("X-Fine: 1"), std::string::npos);
}

TEST(ToOrigin, TrustedProxyIsAddedTo) {
  ForwardPolicy policy;
  policy.trusted_client = true;
  EXPECT_EQ(to_origin({{"X-Forwarded-For", "203.0.113.9"},
                       {"X-Forwarded-Proto", "http"},
                       {"X-Forwarded-Host", "first.test"},
                       {"X-Forwarded-Port", "81"},
                       {"X-Original-URL", "/other"},
                       {"Forwarded", "for=203.0.113.9;host=first.test; PROTO=http, by=\"[::1]\", host=evil"},
                       {"True-Client-IP", "203.0.113.9"},
                       {"X-Real-IP", "203.0.113.9"}},
                      policy, {"2001:db8::7", "https", "h.test", ""}),
            "True-Client-IP: 203.0.113.9\r\nX-Real-IP: 203.0.113.9\r\nVia: 1.1 meridian\r\n"
            "Forwarded: for=203.0.113.9, by=\"[::1]\", for=\"[2001:db8::7]\";host=h.test;proto=https\r\n"
            "X-Forwarded-For: 203.0.113.9, 2001:db8::7\r\nX-Forwarded-Proto: https\r\n"
            "X-Forwarded-Host: h.test\r\nX-Forwarded-Port: 443\r\nCDN-Loop: meridian\r\n");
  // Where nobody else gets the answer, the rest of its word counts as well, but for what is always ours.
  policy.for_cache = policy.forwarded = policy.x_forwarded = false;
  EXPECT_EQ(
      to_origin({{"X-Original-URL", "/other"}, {"X-Forwarded-Prefix", "/app"}}, policy,
                {"192.0.2.7", "http", "h.test", ""}),
      "X-Original-URL: /other\r\nX-Forwarded-Prefix: /app\r\nVia: 1.1 meridian\r\nCDN-Loop: meridian\r\n");
}

TEST(ToOrigin, Port) {
  ForwardPolicy policy;
  policy.forwarded = false;
  const auto port = [&](std::string_view scheme, std::string_view host) {
    const std::string block = to_origin({}, policy, {"192.0.2.7", scheme, host, ""});
    const std::size_t at = block.find("X-Forwarded-Port: ") + 18;
    return block.substr(at, block.find('\r', at) - at);
  };
  EXPECT_EQ(port("http", "h.test"), "80");
  EXPECT_EQ(port("https", "h.test"), "443");
  EXPECT_EQ(port("https", "h.test:8443"), "8443");
  EXPECT_EQ(port("http", "[::1]"), "80");
  EXPECT_EQ(port("http", "[::1]:8080"), "8080");
  EXPECT_EQ(port("http", ""), "80");
}

TEST(CdnLoop, Counts) {
  EXPECT_EQ(cdn_loop_count(fields({{"CDN-Loop", "a, meridian; x=\",meridian\", Meridian"}}), "meridian"), 2U);
  EXPECT_EQ(cdn_loop_count(fields({{"CDN-Loop", "meridian2"}}), "meridian"), 0U);
  EXPECT_EQ(cdn_loop_count({}, "meridian"), 0U);
}

// RFC 9110 sections 6.6.1 and 7.6.3, RFC 9213 section 2.1, RFC 9111 section 5.1.
TEST(ToClient, ResponseFields) {
  std::string block;
  append_client_response_fields(response(200, {{"Age", "5"},
                                               {"Meridian-Cache-Control", "max-age=1"},
                                               {"CDN-Cache-Control", "max-age=2"},
                                               {"Connection", "x"},
                                               {"X", "1"},
                                               {"Content-Length", "3"},
                                               {"Cache-Status", "up; hit"},
                                               {"B", "2"},
                                               {"C", "3"}}),
                                "meridian", "Sun, 06 Nov 1994 08:49:37 GMT", std::vector<std::string>{"b"},
                                block);
  EXPECT_EQ(block,
            "CDN-Cache-Control: max-age=2\r\nCache-Status: up; hit\r\nC: 3\r\n"
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nVia: 1.1 meridian\r\n");
  block.clear();
  append_client_response_fields(response(200, {{"Date", "odd"}, {"Via", "1.1 up"}}), "meridian", "now", {},
                                block);
  EXPECT_EQ(block, "Date: odd\r\nVia: 1.1 up, 1.1 meridian\r\n");
}

TEST(ToClient, Age) {
  char out[32];
  EXPECT_EQ(write_age(0, out), "Age: 0\r\n");
  EXPECT_EQ(write_age(2147483648, out), "Age: 2147483648\r\n");
  EXPECT_EQ(write_age(-5, out), "Age: 0\r\n");
  EXPECT_EQ(write_age(INT64_MAX, out), "Age: 9223372036854775807\r\n");
}

// RFC 9110 section 7.6.2.
TEST(MaxForwards, CountsDown) {
  using Action = MaxForwards::Action;
  EXPECT_EQ(max_forwards(request("TRACE", {{"Max-Forwards", "0"}})).action, Action::kAnswer);
  EXPECT_EQ(max_forwards(request("OPTIONS", {{"Max-Forwards", "5"}})).next, 4U);
  EXPECT_EQ(max_forwards(request("OPTIONS", {{"Max-Forwards", "5"}})).action, Action::kForwardLess);
  EXPECT_EQ(max_forwards(request("GET", {{"Max-Forwards", "0"}})).action, Action::kForward);
  EXPECT_EQ(max_forwards(request("OPTIONS", {{"Max-Forwards", "x"}})).action, Action::kForward);
  EXPECT_EQ(max_forwards(request("OPTIONS")).action, Action::kForward);
}

}  // namespace
}  // namespace meridian::http
