#include <gtest/gtest.h>

#include "tests/http/connection_harness.h"

// Request bodies, Expect, and the flow of large responses.
namespace meridian::http {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr std::string_view kOkAndClose =
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

std::string post(std::string_view fields, std::string_view body) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

// Reads all of the body, then answers.
void read_then_answer(Seen& seen) {
  seen.on_body = [](Seen& s) { s.body_done ? s.answer("ok") : s.exchange->read_body(); };
  seen.exchange->read_body();
}

TEST(RequestBody, ComesByLengthAndByChunks) {
  ConnectionHarness h;
  h.on_request_ = read_then_answer;
  EXPECT_EQ(h.ask(post("Content-Length: 5\r\n", "12345")), kOk);
  EXPECT_EQ(h.last().body, "12345");
  EXPECT_EQ(h.ask(post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n")), kOk);
  EXPECT_EQ(h.last().body, "abcde");
  EXPECT_EQ(h.last().trailers, "X-T=1;");
  EXPECT_EQ(h.ask(kGet), kOk) << "a handler may ask for a body that is none";
  EXPECT_TRUE(h.last().body_done);
}

TEST(RequestBody, NothingIsDeliveredUnasked) {
  ConnectionHarness h;
  h.on_request_ = [](Seen& seen) { seen.on_body = [](Seen&) {}; };
  h.send(post("Content-Length: 100000\r\n", std::string(50000, 'x')));
  EXPECT_EQ(h.last().pieces, 0);
  EXPECT_EQ(*h.last().exchange->request_length(), 100000U);
  h.last().exchange->read_body();
  EXPECT_EQ(h.last().pieces, 0) << "not inside the call";
  h.turn();
  EXPECT_EQ(h.last().pieces, 1) << "one call, one piece";
}

// A client cannot make us hold more of a body than the buffers that are meant for it.
TEST(RequestBody, AClientIsHeldBackWhileNobodyReads) {
  constexpr std::size_t kWindow = 16384;
  ConnectionHarness h({}, kWindow);
  h.on_request_ = [](Seen&) {};
  h.send(post("Content-Length: 10000000\r\n", ""));
  const std::string bytes(1 << 20, 'x');
  std::size_t taken = 0;
  for (int i = 0; i < 100; ++i) {
    const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    taken += h.client_->write(&part, 1).bytes;
    h.turn();
  }
  EXPECT_LE(taken, kWindow + 8192);
}

TEST(RequestBody, ManySmallPiecesArriveWhole) {
  ConnectionHarness h;
  h.on_request_ = read_then_answer;
  h.send(post("Content-Length: 300000\r\n", ""));
  std::string all;
  for (int i = 0; i < 3000; ++i) {
    const std::string piece(100, static_cast<char>('a' + i % 26));
    all += piece;
    h.send(piece);
  }
  EXPECT_EQ(h.receive(), kOk);
  EXPECT_EQ(h.last().body, all);
  EXPECT_EQ(h.last().path, "/") << "the head keeps its place";
}

// RFC 9110 section 10.1.1.
TEST(Expect, ContinueIsSaidWhenTheBodyIsAskedFor) {
  ConnectionHarness h;
  h.on_request_ = [](Seen&) {};
  EXPECT_EQ(h.ask(post("Content-Length: 2\r\nExpect: 100-Continue\r\n", "")), "");
  h.last().on_body = [](Seen& s) { s.answer("ok"); };
  h.last().exchange->read_body();
  h.turn();
  EXPECT_EQ(h.receive(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(h.ask("ab"), kOk);
  EXPECT_TRUE(h.open());
}

TEST(Expect, NoContinueForAClientThatDidNotWait) {
  ConnectionHarness h;
  h.on_request_ = read_then_answer;
  EXPECT_EQ(h.ask(post("Content-Length: 2\r\nExpect: 100-continue\r\n", "ab")), kOk);
}

TEST(Expect, AFinalAnswerInsteadClosesAsTheBodyMayOrMayNotCome) {
  ConnectionHarness h;
  h.on_request_ = [](Seen& seen) { seen.answer("ok"); };
  EXPECT_EQ(h.ask(post("Content-Length: 2\r\nExpect: 100-continue\r\n", "")), kOkAndClose);
  EXPECT_TRUE(h.ended());
}

TEST(Expect, OtherExpectationsAreRefusedButNotInHttp10) {
  ConnectionHarness h;
  EXPECT_EQ(h.ask(post("Content-Length: 2\r\nExpect: magic\r\n", "ab")).substr(0, 12), "HTTP/1.1 417");
  EXPECT_EQ(h.refused_, std::vector<std::string>{"expectation"});
  ConnectionHarness old;
  old.on_request_ = read_then_answer;
  EXPECT_EQ(old.ask("POST / HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nab"), kOkAndClose);
}

// RFC 9112 section 9.3: an answer before the body was read.
TEST(UnreadBody, IsSkippedWhenItIsThere) {
  ConnectionHarness h;
  h.on_request_ = [](Seen& seen) { seen.answer("ok"); };
  EXPECT_EQ(h.ask(post("Content-Length: 3\r\n", "abc") + std::string(kGet)),
            std::string(kOk) + std::string(kOk));
  EXPECT_EQ(h.ask(post("Transfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\n\r\n") + std::string(kGet)),
            std::string(kOk) + std::string(kOk));
}

TEST(UnreadBody, EndsTheConnectionWhenItIsNot) {
  ConnectionHarness h;
  h.on_request_ = [](Seen& seen) { seen.answer("ok"); };
  EXPECT_EQ(h.ask(post("Content-Length: 100000\r\n", "abc")), kOkAndClose);
  EXPECT_TRUE(h.ended());
  EXPECT_TRUE(h.open()) << "lingers, so that the client can read the answer";
  h.send(std::string(100000, 'x') + std::string(kGet));
  EXPECT_EQ(h.seen_.size(), 1U) << "nothing behind is taken for a request";
  h.client_ends();
  EXPECT_FALSE(h.open());
}

TEST(BodyLimit, ALengthBeyondItIsRefusedAtOnce) {
  ServerLimits limits;
  limits.body_bytes = 10;
  ConnectionHarness h(limits);
  EXPECT_EQ(h.ask(post("Content-Length: 11\r\n", "")).substr(0, 12), "HTTP/1.1 413");
  EXPECT_TRUE(h.seen_.empty());
}

TEST(BodyLimit, ChunksBeyondItEndTheExchange) {
  ServerLimits limits;
  limits.body_bytes = 10;
  ConnectionHarness h(limits);
  h.on_request_ = read_then_answer;
  EXPECT_EQ(h.ask(post("Transfer-Encoding: chunked\r\n", "8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n"))
                .substr(0, 12),
            "HTTP/1.1 413");
  EXPECT_TRUE(h.last().closed);
  EXPECT_FALSE(h.last().completed);
  EXPECT_EQ(h.refused_, std::vector<std::string>{"body-too-large"});
}

TEST(BrokenBody, IsA400OrACutConnection) {
  ConnectionHarness h;
  h.on_request_ = read_then_answer;
  EXPECT_EQ(h.ask(post("Transfer-Encoding: chunked\r\n", "zz\r\n")).substr(0, 12), "HTTP/1.1 400");
  EXPECT_TRUE(h.last().closed);
  EXPECT_EQ(h.refused_, std::vector<std::string>{"bad-chunk-size"});

  ConnectionHarness begun;
  begun.on_request_ = [](Seen& seen) {
    seen.exchange->send_head({});
    seen.exchange->read_body();
  };
  begun.ask(post("Transfer-Encoding: chunked\r\n", "zz\r\n"));
  EXPECT_TRUE(begun.reset());
  EXPECT_FALSE(begun.last().completed);
}

// RFC 9112 section 8: a body that ends early is never taken for whole.
TEST(BrokenBody, AClientThatEndsEarly) {
  ConnectionHarness h;
  h.on_request_ = read_then_answer;
  h.send(post("Content-Length: 5\r\n", "12"));
  h.client_ends();
  EXPECT_FALSE(h.last().body_done);
  EXPECT_TRUE(h.last().closed);
  EXPECT_FALSE(h.open());
}

// Bytes go out by reference in whatever pieces the client takes.
TEST(LargeResponse, FlowsAsTheClientReads) {
  ConnectionHarness h({}, 10000);
  std::string body;
  for (int i = 0; i < 300000; ++i) body += static_cast<char>('a' + i % 23);
  h.on_request_ = [&](Seen& seen) { seen.answer(body); };
  const std::string got = h.ask(kGet);
  EXPECT_EQ(got, "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + body);
  EXPECT_TRUE(h.last().completed);
  EXPECT_EQ(h.last().sent, got.size());
}

TEST(LargeResponse, DrainedIsToldBelowTheLowWaterMark) {
  ConnectionHarness h({}, 10000);
  h.on_request_ = [](Seen& seen) {
    seen.exchange->send_head({});
    while (seen.exchange->queued_bytes() < Exchange::kHighWater)
      seen.exchange->send_body(Slice::copy_of(std::string(20000, 'x')));
    seen.when_drained = [](Seen& s) { s.exchange->finish(); };
  };
  h.send(kGet);
  EXPECT_EQ(h.last().drained, 0);
  EXPECT_LT(h.last().exchange->bytes_sent(), 20000U);
  const std::string got = h.receive();
  EXPECT_EQ(h.last().drained, 1);
  EXPECT_EQ(got.substr(got.size() - 5), "0\r\n\r\n");
  EXPECT_TRUE(h.last().completed);
}

TEST(LargeResponse, PipelinedAnswersDoNotPileUpForAClientThatDoesNotRead) {
  ConnectionHarness h({}, 10000);
  const std::string body(100000, 'x');
  h.on_request_ = [&](Seen& seen) { seen.answer(body); };
  std::string requests;
  for (int i = 0; i < 50; ++i) requests += kGet;
  h.send(requests);
  EXPECT_LT(h.seen_.size(), 5U);
  const std::string got = h.receive();
  EXPECT_EQ(h.seen_.size(), 50U);
  EXPECT_EQ(got.size(), 50 * (body.size() +
                              std::string_view("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n").size()));
}

}  // namespace
}  // namespace meridian::http
