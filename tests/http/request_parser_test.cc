#include <gtest/gtest.h>

#include <string>

#include "lib/http/http1.h"

// Request heads (RFC 9112 sections 2, 3 and 5), by table: what is taken and what is refused, with the reason.
namespace meridian::http {
namespace {

using namespace std::string_literals;

struct Refused {
  std::string bytes;
  std::string_view reason;
  int status = 400;
};

std::string with_host(const std::string& line) { return line + "\r\nHost: a\r\n\r\n"; }
std::string with_field(const std::string& line) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + line + "\r\n\r\n";
}

const Refused kRefused[] = {
    // Section 2.2: line ends.
    {"GET / HTTP/1.1\nHost: a\n\n", "bare-lf"},
    {"GET / HTTP/1.1\r\nHost: a\n\r\n", "bare-lf"},
    {"GET / HTTP/1.1\r\nHost: a\r\n\n", "bare-lf"},
    {"GET / HTTP/1.1\rHost: a\r\n\r\n", "bare-cr"},
    {with_field("A: b\rc"), "bare-cr"},
    {with_field("A: b\r"), "bare-cr"},
    {"GET / HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n", "bare-cr"},
    {"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "bare-lf"},
    {"\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "bad-method"},
    {"\r\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", "bare-cr"},
    // Section 3: the request line.
    {with_host(" GET / HTTP/1.1"), "bad-method"},
    {with_host("G@T / HTTP/1.1"), "bad-method"},
    {with_host("G\xc3\x84T / HTTP/1.1"), "bad-method"},
    {with_host("GET"), "bad-method"},
    {with_host("GET\t/ HTTP/1.1"), "control-character"},
    {with_host("GET  / HTTP/1.1"), "bad-target"},
    {with_host("GET /  HTTP/1.1"), "bad-version"},
    {with_host("GET / HTTP/1.1 "), "bad-version"},
    {with_host("GET /a b HTTP/1.1"), "bad-version"},
    {with_host("GET / "), "bad-version"},
    {with_host("GET /"), "bad-version"},
    {with_host("GET /\tx HTTP/1.1"), "control-character"},
    {with_host("GET /\0x HTTP/1.1"s), "nul"},
    {with_host("GET /\x7f HTTP/1.1"), "control-character"},
    {with_host("GET /\xc3\xa4 HTTP/1.1"), "bad-target"},
    {with_host("GET /#x HTTP/1.1"), "fragment"},
    {with_host("GET x HTTP/1.1"), "bad-target"},
    {with_host("GET ?x HTTP/1.1"), "bad-target"},
    // Section 2.3: the version.
    {with_host("GET / HTTP/2.0"), "version-unsupported", 505},
    {with_host("GET / HTTP/0.9"), "version-unsupported", 505},
    {with_host("GET / http/1.1"), "bad-version"},
    {with_host("GET / HTTP/1"), "bad-version"},
    {with_host("GET / HTTP/1.x"), "bad-version"},
    {with_host("GET / HTTP/1.10"), "bad-version"},
    {with_host("GET / HTTP/1,1"), "bad-version"},
    {with_host("GET / HTTPS/1.1"), "bad-version"},
    {with_host("GET / HTTP/1.\x01"), "control-character"},
    // Section 3.2: Host.
    {"GET / HTTP/1.1\r\n\r\n", "missing-host"},
    {with_field("Host: a"), "several-hosts"},
    {with_field("hOsT: b"), "several-hosts"},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "bad-host"},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "bad-host"},
    {"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", "bad-host"},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "bad-host"},
    {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "bad-host"},
    {"GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", "bad-host"},
    {"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", "bad-host"},
    {"GET / HTTP/1.1\r\nHost: :80\r\n\r\n", "bad-host"},
    {"GET / HTTP/1.1\r\nHost: .a\r\n\r\n", "bad-host"},
    {"GET / HTTP/1.1\r\nHost: a..b\r\n\r\n", "bad-host"},
    {"GET / HTTP/1.1\r\nHost: a..\r\n\r\n", "bad-host"},
    {"GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", "bad-host"},
    {"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", "bad-host"},
    {"GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n", "bad-host"},
    {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "bad-host"},
    {"GET / HTTP/1.1\r\nHost: \xc3\xa4\r\n\r\n", "bad-host"},
    // Section 3.2.2: absolute targets.
    {with_host("GET http://b/ HTTP/1.1"), "host-mismatch"},
    {with_host("GET http://a:81/ HTTP/1.1"), "host-mismatch"},
    {with_host("GET https://a:80/ HTTP/1.1"), "host-mismatch"},
    {with_host("GET http://u@a/ HTTP/1.1"), "userinfo"},
    {with_host("GET http:///x HTTP/1.1"), "bad-target"},
    {with_host("GET http://a?x HTTP/1.1"), "bad-target"},
    {with_host("GET ftp://a/ HTTP/1.1"), "bad-target"},
    {with_host("GET http:/a HTTP/1.1"), "bad-target"},
    // Sections 3.2.3 and 3.2.4.
    {with_host("CONNECT / HTTP/1.1"), "bad-target"},
    {with_host("CONNECT a HTTP/1.1"), "target-form"},
    {with_host("CONNECT b:443 HTTP/1.1"), "host-mismatch"},
    {with_host("GET a:80 HTTP/1.1"), "bad-target"},
    {with_host("GET * HTTP/1.1"), "target-form"},
    // Section 5: fields.
    {with_field(" folded: x"), "obs-fold"},
    {with_field("A: b\r\n c"), "obs-fold"},
    {with_field("A: b\r\n\tc"), "obs-fold"},
    {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", "obs-fold"},
    {with_field("A : b"), "space-before-colon"},
    {with_field("A\t: b"), "space-before-colon"},
    {with_field("Content-Length : 5"), "space-before-colon"},
    {with_field(": b"), "empty-name"},
    {with_field("A b: c"), "space-before-colon"},
    {with_field("A(b: c"), "bad-name"},
    {with_field("A\xc3\xa4: c"), "bad-name"},
    {with_field("A\0: c"s), "nul"},
    {with_field("A: \0"s), "nul"},
    {with_field("A: a long enough value to be scanned in blocks \0 of sixteen bytes"s), "nul"},
    {with_field("A: \x01"), "control-character"},
    {with_field("A: \x7f"), "control-character"},
    {with_field("A: \x0b"), "control-character"},
    {with_field("A"), "no-colon"},
    {with_field("A\nB: c"), "no-colon"},
};

TEST(RequestParser, RefusesWhatIsAmbiguous) {
  for (const Refused& entry : kRefused) {
    RequestHead head;
    const ParseResult result = parse_request_head(entry.bytes, {}, head);
    EXPECT_EQ(result.state, ParseState::kBad) << entry.bytes;
    EXPECT_EQ(result.reason, entry.reason) << entry.bytes;
    EXPECT_EQ(result.status, entry.status) << entry.bytes;
  }
}

// What is refused as a whole is never taken in part, and what is wrong stays wrong.
TEST(RequestParser, NoBeginningOfARefusedHeadIsTaken) {
  for (const Refused& entry : kRefused) {
    bool bad = false;
    for (std::size_t size = 0; size <= entry.bytes.size(); ++size) {
      RequestHead head;
      const ParseResult result = parse_request_head(std::string_view(entry.bytes).substr(0, size), {}, head);
      EXPECT_NE(result.state, ParseState::kDone) << entry.bytes << size;
      EXPECT_TRUE(!bad || result.state == ParseState::kBad) << entry.bytes << size;
      bad = result.state == ParseState::kBad;
    }
  }
}

struct Taken {
  std::string bytes;
  Method method;
  Version version;
  std::string_view scheme, authority, path;
};

const Taken kTaken[] = {
    {with_host("GET / HTTP/1.1"), Method::kGet, Version::kHttp11, "", "a", "/"},
    {"\r\n" + with_host("GET / HTTP/1.1"), Method::kGet, Version::kHttp11, "", "a", "/"},
    {"\r\n\r\n" + with_host("GET / HTTP/1.1"), Method::kGet, Version::kHttp11, "", "a", "/"},
    {"GET / HTTP/1.0\r\n\r\n", Method::kGet, Version::kHttp10, "", "", "/"},
    {with_host("GET / HTTP/1.9"), Method::kGet, Version::kHttp11, "", "a", "/"},
    {with_host("get / HTTP/1.1"), Method::kOther, Version::kHttp11, "", "a", "/"},
    {with_host("M-SEARCH /x?y=1&z HTTP/1.1"), Method::kOther, Version::kHttp11, "", "a", "/x?y=1&z"},
    {with_host("DELETE //x;y HTTP/1.1"), Method::kDelete, Version::kHttp11, "", "a", "//x;y"},
    {with_host("OPTIONS * HTTP/1.1"), Method::kOptions, Version::kHttp11, "", "a", "*"},
    {with_host("GET http://a/x HTTP/1.1"), Method::kGet, Version::kHttp11, "http", "a", "/x"},
    {with_host("GET HTTP://A:80/x?y HTTP/1.1"), Method::kGet, Version::kHttp11, "http", "A:80", "/x?y"},
    {with_host("GET https://a:443 HTTP/1.1"), Method::kGet, Version::kHttp11, "https", "a:443", "/"},
    {"GET http://b HTTP/1.0\r\n\r\n", Method::kGet, Version::kHttp10, "http", "b", "/"},
    {"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", Method::kConnect, Version::kHttp11, "", "a:443", ""},
    {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", Method::kGet, Version::kHttp11, "", "[::1]:80", "/"},
    {"GET / HTTP/1.1\r\nHost: a.b.:65535\r\n\r\n", Method::kGet, Version::kHttp11, "", "a.b.:65535", "/"},
    {"GET / HTTP/1.1\r\nHost: a:\r\n\r\n", Method::kGet, Version::kHttp11, "", "a:", "/"},
};

TEST(RequestParser, TakesWhatIsWellFormed) {
  for (const Taken& entry : kTaken) {
    RequestHead head;
    const std::string bytes = entry.bytes + "body";
    const ParseResult result = parse_request_head(bytes, {}, head);
    ASSERT_EQ(result.state, ParseState::kDone) << entry.bytes << result.reason;
    EXPECT_EQ(result.consumed, entry.bytes.size());
    EXPECT_EQ(head.method, entry.method) << entry.bytes;
    EXPECT_EQ(head.version, entry.version) << entry.bytes;
    EXPECT_EQ(head.scheme, entry.scheme) << entry.bytes;
    EXPECT_EQ(head.authority, entry.authority) << entry.bytes;
    EXPECT_EQ(head.path, entry.path) << entry.bytes;
    for (std::size_t size = 0; size < entry.bytes.size(); ++size) {
      EXPECT_EQ(parse_request_head(std::string_view(entry.bytes).substr(0, size), {}, head).state,
                ParseState::kNeedMore)
          << entry.bytes << size;
    }
  }
}

// Section 5: surrounding white space is no part of a value; everything inside is.
TEST(RequestParser, FieldValues) {
  const std::string bytes =
      with_field("X-One: \t two  words\t \r\nX-Empty:\r\nx-obs:\xc3\xa4\r\nAccept:*/*\r\nX-C: a:b");
  RequestHead head;
  ASSERT_EQ(parse_request_head(bytes, {}, head).state, ParseState::kDone);
  EXPECT_EQ(head.fields.size(), 6U);
  EXPECT_EQ(head.fields.find("x-ONE")->value, "two  words");
  EXPECT_EQ(head.fields.find("x-empty")->value, "");
  EXPECT_EQ(head.fields.find("X-Obs")->value, "\xc3\xa4");
  EXPECT_EQ(head.fields.find("x-c")->value, "a:b");
  EXPECT_EQ(head.fields.value(FieldId::kAccept), "*/*");
}

TEST(RequestParser, Limits) {
  const HeadLimits limits{.line_bytes = 64, .header_bytes = 128, .header_count = 4};
  const auto parse = [&](const std::string& bytes) {
    RequestHead head;
    const ParseResult result = parse_request_head(bytes, limits, head);
    return result.state == ParseState::kBad ? std::string(result.reason) + " " + std::to_string(result.status)
                                            : "";
  };
  const std::string longest = "GET /" + std::string(64 - 5 - 11, 'x') + " HTTP/1.1";
  EXPECT_EQ(parse(with_host(longest)), "");
  EXPECT_EQ(parse(with_host("GET /x" + longest.substr(5))), "line-too-long 414");
  EXPECT_EQ(parse("GET /" + std::string(60, 'x')), "line-too-long 414") << "before the line has ended";
  EXPECT_EQ(parse(std::string(65, 'G')), "line-too-long 414");
  EXPECT_EQ(parse(with_field("A: " + std::string(200, 'x'))), "header-too-large 431");
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nA: " + std::string(126, 'x')), "header-too-large 431");
  EXPECT_EQ(parse(with_field("A: b\r\nA: b\r\nA: b")), "");
  EXPECT_EQ(parse(with_field("A: b\r\nA: b\r\nA: b\r\nA: b")), "too-many-fields 431");
}

}  // namespace
}  // namespace meridian::http
