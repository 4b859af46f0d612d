#include <gtest/gtest.h>

#include <string>

#include "lib/http/http1.h"

// Response heads (RFC 9112 section 4).
namespace meridian::http {
namespace {

using namespace std::string_literals;

TEST(ResponseParser, TakesWhatIsWellFormed) {
  struct {
    std::string bytes;
    int status;
    Version version;
    std::string_view reason;
  } const entries[] = {
      {"HTTP/1.1 200 OK\r\n\r\n", 200, Version::kHttp11, "OK"},
      {"HTTP/1.1 200 \r\nA: b\r\n\r\n", 200, Version::kHttp11, ""},
      {"HTTP/1.1 200\r\n\r\n", 200, Version::kHttp11, ""},
      {"HTTP/1.0 404 Not  found\t\xc3\xa4\r\n\r\n", 404, Version::kHttp10, "Not  found\t\xc3\xa4"},
      {"HTTP/1.1 599 x\r\n\r\n", 599, Version::kHttp11, "x"},
      {"HTTP/1.1 100 Continue\r\n\r\n", 100, Version::kHttp11, "Continue"},
  };
  for (const auto& entry : entries) {
    ResponseHead head;
    const std::string bytes = entry.bytes + "x";
    const ParseResult result = parse_response_head(bytes, {}, head);
    ASSERT_EQ(result.state, ParseState::kDone) << entry.bytes;
    EXPECT_EQ(result.consumed, entry.bytes.size());
    EXPECT_EQ(head.status, entry.status);
    EXPECT_EQ(head.version, entry.version);
    EXPECT_EQ(head.reason, entry.reason);
    for (std::size_t size = 0; size < entry.bytes.size(); ++size) {
      EXPECT_EQ(parse_response_head(std::string_view(entry.bytes).substr(0, size), {}, head).state,
                ParseState::kNeedMore)
          << entry.bytes << size;
    }
  }
}

TEST(ResponseParser, RefusesWhatIsNot) {
  struct {
    std::string bytes;
    std::string_view reason;
  } const entries[] = {
      {"\r\nHTTP/1.1 200 OK\r\n\r\n", "bad-version"},
      {"HTTP/2.0 200 OK\r\n\r\n", "bad-version"},
      {"ICY 200 OK\r\n\r\n", "bad-version"},
      {"<html>", "bad-version"},
      {"HTTP/1.1  200 OK\r\n\r\n", "bad-status"},
      {"HTTP/1.1 20 OK\r\n\r\n", "bad-status"},
      {"HTTP/1.1 2000 OK\r\n\r\n", "bad-status"},
      {"HTTP/1.1 099 OK\r\n\r\n", "bad-status"},
      {"HTTP/1.1 600 OK\r\n\r\n", "bad-status"},
      {"HTTP/1.1 +20 OK\r\n\r\n", "bad-status"},
      {"HTTP/1.1 200OK\r\n\r\n", "bad-status"},
      {"HTTP/1.1 200 O\0K\r\n\r\n"s, "nul"},
      {"HTTP/1.1 200 OK\nA: b\r\n\r\n", "bare-lf"},
      {"HTTP/1.1 200 OK\rA: b\r\n\r\n", "bare-cr"},
      {"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "obs-fold"},
      {"HTTP/1.1 200 OK\r\n: b\r\n\r\n", "empty-name"},
      {"HTTP/1.1 200 OK\r\n : b\r\n\r\n", "obs-fold"},
      {"HTTP/1.1 200 OK\r\nA b : c\r\n\r\n", "bad-name"},
      {"HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n", "bare-lf"},
  };
  for (const auto& entry : entries) {
    ResponseHead head;
    const ParseResult result = parse_response_head(entry.bytes, {}, head);
    EXPECT_EQ(result.state, ParseState::kBad) << entry.bytes;
    EXPECT_EQ(result.reason, entry.reason) << entry.bytes;
  }
}

// Section 5.1: a proxy removes white space before the colon of a response's field.
TEST(ResponseParser, RemovesWhiteSpaceBeforeAColon) {
  const std::string bytes = "HTTP/1.1 200 OK\r\nContent-Length \t: 5\r\n\r\n";
  ResponseHead head;
  ASSERT_EQ(parse_response_head(bytes, {}, head).state, ParseState::kDone);
  EXPECT_EQ(head.fields.value(FieldId::kContentLength), "5");
  EXPECT_EQ(head.fields.begin()->name, "Content-Length");
}

TEST(ResponseParser, Limits) {
  ResponseHead head;
  const HeadLimits limits{.line_bytes = 32, .header_bytes = 32, .header_count = 2};
  EXPECT_EQ(parse_response_head("HTTP/1.1 200 " + std::string(40, 'x'), limits, head).reason,
            "line-too-long");
  EXPECT_EQ(parse_response_head("HTTP/1.1 200 OK\r\nA: " + std::string(40, 'x'), limits, head).reason,
            "header-too-large");
  EXPECT_EQ(parse_response_head("HTTP/1.1 200 OK\r\nA:\r\nA:\r\nA:\r\n", limits, head).reason,
            "too-many-fields");
}

}  // namespace
}  // namespace meridian::http
