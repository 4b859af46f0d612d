#include <gtest/gtest.h>

#include <string>

#include "lib/http/http1.h"

// How bodies are delimited (RFC 9112 section 6) and connections persist (section 9.3).
namespace meridian::http {
namespace {

using Kind = Framing::Kind;

struct Outcome {
  std::string_view reason;  // when bad
  int status = 0;
  Framing framing;
};

Outcome of_request(const std::string& fields, const std::string& version = "1.1") {
  const std::string bytes = "POST / HTTP/" + version + "\r\nHost: a\r\n" + fields + "\r\n";
  RequestHead head;
  EXPECT_EQ(parse_request_head(bytes, {}, head).state, ParseState::kDone) << bytes;
  Outcome outcome;
  const ParseResult result = request_framing(head, outcome.framing);
  if (result.state == ParseState::kBad) outcome.reason = result.reason, outcome.status = result.status;
  return outcome;
}

Outcome of_response(const std::string& start, const std::string& fields, bool to_head = false) {
  const std::string bytes = start + "\r\n" + fields + "\r\n";
  ResponseHead head;
  EXPECT_EQ(parse_response_head(bytes, {}, head).state, ParseState::kDone) << bytes;
  Outcome outcome;
  const ParseResult result = response_framing(head, to_head, outcome.framing);
  if (result.state == ParseState::kBad) outcome.reason = result.reason, outcome.status = result.status;
  return outcome;
}

TEST(Framing, RequestsThatAreAmbiguousAreRefused) {
  struct {
    std::string fields;
    std::string_view reason;
    int status = 400;
  } const entries[] = {
      // Section 6.3, rule 3.
      {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "cl-with-te"},
      {"Transfer-Encoding: chunked\r\ncontent-length: 0\r\n", "cl-with-te"},
      // Rule 5; equal values do not help.
      {"Content-Length: 5\r\nContent-Length: 5\r\n", "several-cl"},
      {"Content-Length: 5\r\nContent-Length: 6\r\n", "several-cl"},
      {"Content-Length: 5, 5\r\n", "several-cl"},
      {"Content-Length: 5,\r\n", "several-cl"},
      {"Content-Length:\r\n", "bad-cl"},
      {"Content-Length: -1\r\n", "bad-cl"},
      {"Content-Length: +1\r\n", "bad-cl"},
      {"Content-Length: 0x5\r\n", "bad-cl"},
      {"Content-Length: 5 5\r\n", "bad-cl"},
      {"Content-Length: 5.0\r\n", "bad-cl"},
      {"Content-Length: 1e3\r\n", "bad-cl"},
      {"Content-Length: 9223372036854775808\r\n", "bad-cl"},
      {"Content-Length: 18446744073709551617\r\n", "bad-cl"},
      {"Content-Length: 99999999999999999999999999999999\r\n", "bad-cl"},
      // Rule 4.
      {"Transfer-Encoding: gzip\r\n", "te-not-final"},
      {"Transfer-Encoding: identity\r\n", "te-not-final"},
      {"Transfer-Encoding: chunked, gzip\r\n", "te-not-final"},
      {"Transfer-Encoding: chunked, identity\r\n", "te-not-final"},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n", "te-not-final"},
      {"Transfer-Encoding: chunked, chunked\r\n", "te-not-final"},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "te-not-final"},
      {"Transfer-Encoding:\r\n", "bad-te"},
      {"Transfer-Encoding: ,chunked\r\n", "bad-te"},
      {"Transfer-Encoding: chunked,\r\n", "bad-te"},
      {"Transfer-Encoding: chunked;x=y\r\n", "bad-te"},
      {"Transfer-Encoding: \"chunked\"\r\n", "bad-te"},
      {"Transfer-Encoding: chunked foo\r\n", "bad-te"},
      {"Transfer-Encoding: xchunked\r\n", "te-not-final"},
      // Section 6.1: a coding that is not known.
      {"Transfer-Encoding: gzip, chunked\r\n", "te-unsupported", 501},
      {"Transfer-Encoding: x;q=1, chunked\r\n", "te-unsupported", 501},
      {"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", "te-unsupported", 501},
  };
  for (const auto& entry : entries) {
    const Outcome outcome = of_request(entry.fields);
    EXPECT_EQ(outcome.reason, entry.reason) << entry.fields;
    EXPECT_EQ(outcome.status, entry.status) << entry.fields;
  }
  // Section 6.1: HTTP/1.0 has no transfer codings.
  EXPECT_EQ(of_request("Transfer-Encoding: chunked\r\n", "1.0").reason, "te-in-http10");
}

TEST(Framing, Requests) {
  EXPECT_EQ(of_request("").framing.kind, Kind::kNone);
  EXPECT_EQ(of_request("Content-Length: 0\r\n").framing.kind, Kind::kNone);
  const Outcome length = of_request("Content-Length: 007\r\n");
  EXPECT_EQ(length.framing.kind, Kind::kLength);
  EXPECT_EQ(length.framing.length, 7U);
  EXPECT_EQ(of_request("Content-Length: 9223372036854775807\r\n").framing.length, 9223372036854775807ULL);
  EXPECT_EQ(of_request("Transfer-Encoding: cHuNkEd\r\n").framing.kind, Kind::kChunked);
}

// Section 9.3.
TEST(Framing, Persistence) {
  const auto keeps = [](const std::string& fields, const std::string& version) {
    return of_request(fields, version).framing.keep_alive;
  };
  EXPECT_TRUE(keeps("", "1.1"));
  EXPECT_FALSE(keeps("", "1.0"));
  EXPECT_FALSE(keeps("Connection: close\r\n", "1.1"));
  EXPECT_FALSE(keeps("Connection: x, CLOSE\r\n", "1.1"));
  EXPECT_FALSE(keeps("Connection: x\r\nConnection: close\r\n", "1.1"));
  EXPECT_TRUE(keeps("Connection: closed\r\n", "1.1"));
  EXPECT_TRUE(keeps("Connection: Keep-Alive\r\n", "1.0"));
  EXPECT_FALSE(keeps("Connection: keep-alive, close\r\n", "1.0"));
  EXPECT_FALSE(keeps("Connection: keep-alive, close\r\n", "1.1"));
}

TEST(Framing, Responses) {
  const std::string ok = "HTTP/1.1 200 OK";
  EXPECT_EQ(of_response(ok, "Content-Length: 5\r\n").framing.kind, Kind::kLength);
  EXPECT_EQ(of_response(ok, "Content-Length: 0\r\n").framing.kind, Kind::kLength);
  EXPECT_EQ(of_response(ok, "Transfer-Encoding: chunked\r\n").framing.kind, Kind::kChunked);
  const Outcome until_close = of_response(ok, "");
  EXPECT_EQ(until_close.framing.kind, Kind::kUntilClose);
  EXPECT_FALSE(until_close.framing.keep_alive);
  // Section 6.3, rule 1: no body whatever the fields say, and yet they must make sense.
  const Outcome head = of_response(ok, "Content-Length: 5\r\n", true);
  EXPECT_EQ(head.framing.kind, Kind::kNone);
  EXPECT_EQ(head.framing.length, 5U);
  EXPECT_TRUE(head.framing.keep_alive);
  EXPECT_EQ(of_response("HTTP/1.1 204 x", "").framing.kind, Kind::kNone);
  EXPECT_EQ(of_response("HTTP/1.1 304 x", "Content-Length: 5\r\n").framing.kind, Kind::kNone);
  EXPECT_EQ(of_response("HTTP/1.1 103 x", "").framing.kind, Kind::kNone);
  EXPECT_EQ(of_response("HTTP/1.1 304 x", "Content-Length: x\r\n").reason, "bad-cl");
  EXPECT_EQ(of_response(ok, "Content-Length: 5\r\nContent-Length: 5\r\n").reason, "several-cl");
  EXPECT_EQ(of_response(ok, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n").reason, "cl-with-te");
  EXPECT_EQ(of_response(ok, "Transfer-Encoding: gzip\r\n").reason, "te-not-final");
  EXPECT_EQ(of_response(ok, "Transfer-Encoding: chunked, foo\r\n").reason, "te-not-final");
  EXPECT_EQ(of_response(ok, "Transfer-Encoding: foo, bar\r\n").reason, "te-not-final");
  EXPECT_EQ(of_response(ok, "Content-Length: 5\r\nTransfer-Encoding: foo\r\n").reason, "cl-with-te");
  EXPECT_EQ(of_response("HTTP/1.0 200 OK", "Transfer-Encoding: foo\r\n").reason, "te-in-http10");
  // Section 6.3, rule 4: not chunked, so the connection ends it.
  const Outcome unknown = of_response(ok, "Transfer-Encoding: foo\r\nConnection: keep-alive\r\n");
  EXPECT_EQ(unknown.framing.kind, Kind::kUntilClose);
  EXPECT_FALSE(unknown.framing.keep_alive);
  EXPECT_EQ(of_response("HTTP/1.0 200 OK", "Transfer-Encoding: chunked\r\n").reason, "te-in-http10");
}

}  // namespace
}  // namespace meridian::http
