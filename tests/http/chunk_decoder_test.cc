#include <gtest/gtest.h>

#include <string>

#include "lib/http/http1.h"

// The chunked coding (RFC 9112 section 7.1).
namespace meridian::http {
namespace {

using namespace std::string_literals;

struct Decoded {
  std::string data;
  std::string trailers;
  std::string reason;
  std::string rest;  // what was not consumed
  bool done = false;
};

// Feeds the decoder `cut` bytes more each time, as a connection does whose buffer fills up.
Decoded decode(std::string_view input, std::size_t cut, const HeadLimits& limits = {}) {
  ChunkDecoder decoder(limits);
  Decoded decoded;
  std::size_t begin = 0;
  std::size_t end = 0;
  for (;;) {
    const ChunkDecoder::Step step = decoder.next(input.substr(begin, end - begin));
    EXPECT_LE(step.consumed, end - begin);
    begin += step.consumed;
    decoded.data += step.data;
    decoded.reason = step.reason;
    decoded.done = step.state == ParseState::kDone;
    if (step.state != ParseState::kNeedMore) break;
    if (step.consumed != 0) continue;
    if (end == input.size()) break;
    end = std::min(end + cut, input.size());
  }
  for (const Field& field : decoder.trailers()) {
    decoded.trailers += std::string(field.name) + "=" + std::string(field.value) + ";";
  }
  decoded.rest = input.substr(begin);
  return decoded;
}

TEST(ChunkDecoder, TakesTheCodingOffInAnyPieces) {
  struct {
    std::string input, data, trailers;
  } const entries[] = {
      {"0\r\n\r\n", "", ""},
      {"3\r\nabc\r\n0\r\n\r\n", "abc", ""},
      {"3\r\nabc\r\nA\r\n0123456789\r\n000\r\n\r\n", "abc0123456789", ""},
      {"1;name\r\na\r\n1;n=v;m=\"q \\\" ;\"\r\nb\r\n0;x\r\n\r\n", "ab", ""},
      // Section 7.1.1: bad white space must be read.
      {"1 ; name = value\r\na\r\n0\r\n\r\n", "a", ""},
      {"2\r\n\r\n\r\n0\r\n\r\n", "\r\n", ""},
      {"1\r\na\r\n0\r\nX-Sum: 5\r\nX-B:\r\n\r\n", "a", "X-Sum=5;X-B=;"},
      // RFC 9110 section 6.5.1: fields that have no place in trailers are dropped.
      {"0\r\nContent-Length: 5\r\nHost: b\r\nX-A: 1\r\nAuthorization: x\r\nSet-Cookie: a=b\r\n\r\n", "",
       "X-A=1;"},
  };
  for (const auto& entry : entries) {
    for (std::size_t cut = 1; cut <= entry.input.size(); ++cut) {
      const Decoded decoded = decode(entry.input + "next", cut);
      EXPECT_TRUE(decoded.done) << entry.input << decoded.reason;
      EXPECT_EQ(decoded.data, entry.data);
      EXPECT_EQ(decoded.trailers, entry.trailers);
      EXPECT_EQ(decoded.rest, "next");
    }
  }
}

TEST(ChunkDecoder, RefusesWhatBreaksTheGrammar) {
  struct {
    std::string input;
    std::string_view reason;
  } const entries[] = {
      {"\r\n", "bad-chunk-size"},
      {"x\r\n", "bad-chunk-size"},
      {" 1\r\na\r\n", "bad-chunk-size"},
      {"-1\r\na\r\n", "bad-chunk-size"},
      {"0x1\r\na\r\n", "bad-chunk-size"},
      {"1 \r\na\r\n", "bad-chunk-size"},
      {"1 2\r\na\r\n", "bad-chunk-size"},
      {"1g\r\na\r\n", "bad-chunk-size"},
      {"1000000000000000\r\n", "bad-chunk-size"},
      {"0000000000000000\r\n\r\n", "bad-chunk-size"},
      {"1\na\r\n", "bare-lf"},
      {"1\ra\r\n", "bare-cr"},
      {"1\0\r\na"s, "nul"},
      {"1;a\nb\r\n", "bare-lf"},
      {"1;\r\na\r\n", "bad-chunk-extension"},
      {"1;=x\r\na\r\n", "bad-chunk-extension"},
      {"1;a=\r\na\r\n", "bad-chunk-extension"},
      {"1;a=b c\r\na\r\n", "bad-chunk-extension"},
      {"1;a=\"b\r\na\r\n", "bad-chunk-extension"},
      {"1;a=\"b\"c\r\na\r\n", "bad-chunk-extension"},
      {"1;a;\r\na\r\n", "bad-chunk-extension"},
      {"1;a \r\na\r\n", "bad-chunk-extension"},
      {"1\r\nab\r\n", "bad-chunk-end"},
      {"1\r\na\n0\r\n\r\n", "bare-lf"},
      {"1\r\na\rx", "bare-cr"},
      {"0\r\nbad\r\n\r\n", "no-colon"},
      {"0\r\nA : b\r\n\r\n", "space-before-colon"},
      {"0\r\nA: b\n\r\n", "bare-lf"},
      {"0\r\n A: b\r\n\r\n", "obs-fold"},
  };
  for (const auto& entry : entries) {
    for (std::size_t cut = 1; cut <= entry.input.size(); ++cut) {
      EXPECT_EQ(decode(entry.input, cut).reason, entry.reason) << entry.input << cut;
    }
  }
}

TEST(ChunkDecoder, Limits) {
  EXPECT_EQ(decode("1;" + std::string(2000, 'a') + "\r\n", 4096).reason, "chunk-extension-too-long");
  EXPECT_EQ(decode("1;" + std::string(2000, 'a'), 4096).reason, "chunk-extension-too-long")
      << "without an end";
  std::string small_chunks;
  for (int i = 0; i < 100; ++i) small_chunks += "1;" + std::string(500, 'a') + "\r\nx\r\n";
  EXPECT_EQ(decode(small_chunks, 65536).reason, "chunk-extension-too-long") << "all together";
  std::string signed_chunks;
  for (int i = 0; i < 300; ++i)
    signed_chunks += "1000;s=" + std::string(64, 'a') + "\r\n" + std::string(4096, 'x') + "\r\n";
  EXPECT_EQ(decode(signed_chunks + "0\r\n\r\n", 65536).reason, "") << "in proportion to the data";
  const HeadLimits limits{.line_bytes = 64, .header_bytes = 64, .header_count = 2};
  EXPECT_EQ(decode("0\r\nA: " + std::string(80, 'x'), 4096, limits).reason, "header-too-large");
  EXPECT_EQ(decode("0\r\nA:\r\nB:\r\nC:\r\n\r\n", 4096, limits).reason, "too-many-fields");
}

}  // namespace
}  // namespace meridian::http
