#include <gtest/gtest.h>

#include "tests/http/connection_harness.h"

// Deadlines, clients that leave or misbehave, and connections that are destroyed in the middle of things.
namespace meridian::http {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

TEST(Deadline, AnIdleConnectionIsClosedSilently) {
  ConnectionHarness h;
  h.ask(kGet);
  h.pass_ms(74'000);
  EXPECT_TRUE(h.open());
  EXPECT_EQ(h.ask(kGet), kHello);
  h.pass_ms(74'000);
  EXPECT_TRUE(h.open()) << "counts from the last answer";
  h.pass_ms(2'000);
  EXPECT_FALSE(h.open());
  EXPECT_EQ(h.receive(), "");
  EXPECT_TRUE(h.ended());
  EXPECT_EQ(h.silent_, std::vector{ConnectionHost::SilentTimeout::kIdle});
}

// Each byte is told once: to whoever asks during its request, or at the end of the connection.
TEST(Received, EveryByteIsCountedOnce) {
  ConnectionHarness h;
  std::uint64_t during = 0;
  h.on_request_ = [&](Seen& seen) {
    seen.when_closed = [&](Seen& closed) { during += closed.received; };
    seen.exchange->read_body();
    seen.answer("ok");
  };
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
  h.ask(post);
  EXPECT_EQ(during, post.size());
  h.ask(post + post);
  EXPECT_EQ(during, 3 * post.size());
  h.ask("nonsense\r\n\r\n");
  EXPECT_EQ(during, 3 * post.size());
  h.client_leaves(false);
  EXPECT_FALSE(h.open());
  EXPECT_EQ(h.received_, 12U);
}

TEST(Deadline, AConnectionThatNeverSpeaksIsClosed) {
  ConnectionHarness h;
  h.pass_ms(76'000);
  EXPECT_FALSE(h.open());
}

// Slowloris: bytes that drip in do not move the deadline of the head.
TEST(Deadline, AHeadThatDripsInIsAnswered408) {
  ConnectionHarness h;
  h.send("GET / HTTP/1.1\r\n");
  for (int i = 0; i < 11 && h.refused_.empty(); ++i) {
    h.pass_ms(1'000);
    h.send("X-" + std::to_string(i) + ": y\r\n");
  }
  EXPECT_EQ(h.receive().substr(0, 12), "HTTP/1.1 408");
  EXPECT_EQ(h.refused_, std::vector<std::string>{"header-timeout"});
  EXPECT_TRUE(h.ended());
}

TEST(Deadline, ABodyThatStopsIsAnswered408) {
  ConnectionHarness h;
  h.on_request_ = [](Seen& seen) { seen.exchange->read_body(); };
  h.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
  for (int i = 0; i < 5; ++i) {
    h.pass_ms(20'000);
    h.send("x");
    EXPECT_FALSE(h.last().closed) << "each piece moves the deadline";
  }
  h.pass_ms(31'000);
  EXPECT_TRUE(h.last().closed);
  EXPECT_EQ(h.receive().substr(0, 12), "HTTP/1.1 408");
}

TEST(Deadline, AClientThatDoesNotReadIsCutOff) {
  ConnectionHarness h({}, 1000);
  h.on_request_ = [](Seen& seen) { seen.answer(std::string(100000, 'x')); };
  h.send(kGet);
  h.pass_ms(59'000);
  char some[500];
  h.client_->read(some, sizeof some);
  h.turn();
  h.pass_ms(59'000);
  EXPECT_TRUE(h.open()) << "progress moves the deadline";
  h.pass_ms(2'000);
  EXPECT_FALSE(h.open());
  EXPECT_FALSE(h.last().completed);
  EXPECT_TRUE(h.reset());
  EXPECT_EQ(h.silent_, std::vector{ConnectionHost::SilentTimeout::kWrite});
}

TEST(Deadline, AHandlerMayTakeAsLongAsItLikes) {
  ConnectionHarness h;
  h.on_request_ = [](Seen&) {};
  h.send(kGet);
  h.pass_ms(600'000);
  ASSERT_TRUE(h.open());
  h.last().answer("hello");
  h.turn();
  EXPECT_EQ(h.receive(), kHello);
}

TEST(Linger, EndsByTime) {
  ConnectionHarness h;
  EXPECT_EQ(h.ask("BAD\r\n\r\n").substr(0, 12), "HTTP/1.1 400");
  EXPECT_TRUE(h.ended());
  EXPECT_TRUE(h.open());
  h.send("more that nobody reads");
  h.pass_ms(3'000);
  EXPECT_FALSE(h.open());
}

TEST(Linger, EndsByBytes) {
  ConnectionHarness h({}, 1 << 22);
  h.ask("BAD\r\n\r\n");
  for (int i = 0; i < 20 && h.open(); ++i) h.send(std::string(100'000, 'x'));
  EXPECT_FALSE(h.open());
}

TEST(BadRequest, ShowsThePageOfTheHostAndCloses) {
  ConnectionHarness h;
  const std::string answer = h.ask("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + std::string(kGet));
  EXPECT_EQ(answer,
            "HTTP/1.1 400 Bad Request\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 22\r\nConnection: close\r\n\r\n"
            "refused: several-hosts");
  EXPECT_TRUE(h.seen_.empty());
}

TEST(BadRequest, ComesBehindTheAnswersBefore) {
  ConnectionHarness h;
  const std::string answers = h.ask(std::string(kGet) + "GET / HTTP/1.1\r\nA : b\r\n\r\n");
  EXPECT_EQ(answers.substr(0, kHello.size()), kHello);
  EXPECT_EQ(answers.substr(kHello.size(), 12), "HTTP/1.1 400");
}

// RFC 9110 section 7.4.
TEST(BadRequest, ATargetOfAnotherSchemeIsMisdirected) {
  ConnectionHarness h;
  EXPECT_EQ(h.ask("GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n").substr(0, 12), "HTTP/1.1 421");
  ConnectionHarness same;
  EXPECT_EQ(same.ask("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), kHello);
}

TEST(BadRequest, FramingIsRefusedBeforeAnybodySeesTheRequest) {
  ConnectionHarness h;
  h.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  EXPECT_TRUE(h.seen_.empty());
  EXPECT_EQ(h.refused_, std::vector<std::string>{"cl-with-te"});
}

// RFC 9112 section 9.6: a client that has ended its side can still read.
TEST(ClientEnds, TheAnswerStillGoesOut) {
  ConnectionHarness h;
  h.on_request_ = [](Seen&) {};
  h.send(kGet);
  h.client_ends();
  ASSERT_FALSE(h.last().closed);
  h.last().answer("hello");
  h.turn();
  EXPECT_EQ(h.receive(), kHello);
  EXPECT_TRUE(h.last().completed);
  EXPECT_FALSE(h.open());
}

TEST(ClientEnds, InTheMiddleOfAHead) {
  ConnectionHarness h;
  h.send("GET / HT");
  h.client_ends();
  EXPECT_FALSE(h.open());
  EXPECT_TRUE(h.refused_.empty());
}

TEST(ClientLeaves, AResetIsNoticedWhileTheHandlerWaits) {
  ConnectionHarness h;
  h.on_request_ = [](Seen&) {};
  h.send(kGet);
  h.client_leaves(true);
  EXPECT_TRUE(h.last().closed);
  EXPECT_FALSE(h.last().completed);
  EXPECT_FALSE(h.open());
}

TEST(ClientLeaves, AWriteThatFailsEndsTheExchange) {
  ConnectionHarness h;
  h.on_request_ = [](Seen&) {};
  h.send(kGet);
  h.client_leaves(false);
  ASSERT_FALSE(h.last().closed);
  h.last().answer("hello");
  h.turn();
  EXPECT_TRUE(h.last().closed);
  EXPECT_FALSE(h.last().completed);
}

// Server-sent events or a long poll: nothing is written for a long time, so no write tells that nobody is
// there.
TEST(ClientLeaves, ASilentExchangeDoesNotOutliveItByMuch) {
  ConnectionHarness h;
  h.on_request_ = [](Seen&) {};
  h.send(kGet);
  h.pass_ms(60'000);
  ASSERT_FALSE(h.last().closed) << "a client that is there may wait";
  h.client_ends();
  h.pass_ms(4000);
  ASSERT_FALSE(h.last().closed);
  h.pass_ms(1100);
  EXPECT_TRUE(h.last().closed);
  EXPECT_FALSE(h.last().completed);
  EXPECT_FALSE(h.open());
}

TEST(ClientEnds, AndReadsOnForAsLongAsThereIsSomething) {
  ConnectionHarness h;
  h.on_request_ = [](Seen& seen) { seen.exchange->send_head({}); };
  h.send(kGet);
  h.client_ends();
  for (int i = 0; i < 5; ++i) {
    h.pass_ms(4000);
    ASSERT_FALSE(h.last().closed);
    h.last().exchange->send_body(Slice::copy_of("event"));
    h.turn();
  }
  h.last().exchange->finish();
  h.turn();
  EXPECT_TRUE(h.last().completed);
}

TEST(ReadAhead, IsBoundedWhileAnExchangeRuns) {
  constexpr std::size_t kWindow = 16384;
  ConnectionHarness h({}, kWindow);
  h.on_request_ = [](Seen&) {};
  std::string requests;
  for (int i = 0; i < 20000; ++i) requests += kGet;
  std::size_t taken = 0;
  for (int i = 0; i < 50; ++i) {
    const iovec part{requests.data() + taken, requests.size() - taken};
    taken += h.client_->write(&part, 1).bytes;
    h.turn();
  }
  const ServerLimits limits;
  EXPECT_LE(taken, kWindow + limits.request_line_bytes + limits.header_bytes + 4096);
}

TEST(Destroyed, HandlersAreToldWhenTheHostDropsTheConnection) {
  ConnectionHarness h;
  h.on_request_ = [](Seen&) {};
  h.send(kGet);
  h.destroy();
  EXPECT_TRUE(h.last().closed);
  EXPECT_FALSE(h.last().completed);
}

// The host drops the connection inside each callback there is.
TEST(Destroyed, InAnyCallback) {
  const std::string request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab" + std::string(kGet);
  {
    ConnectionHarness h;
    h.on_request_ = [&](Seen&) { h.destroy(); };
    h.ask(request);
    EXPECT_EQ(h.seen_.size(), 1U);
  }
  {
    ConnectionHarness h;
    h.on_request_ = [&](Seen& seen) {
      seen.answer("hello");
      h.destroy();
    };
    h.ask(request);
    EXPECT_FALSE(h.last().completed);
  }
  {
    ConnectionHarness h;
    h.on_request_ = [&](Seen& seen) {
      seen.on_body = [&](Seen&) { h.destroy(); };
      seen.exchange->read_body();
    };
    h.ask(request);
    EXPECT_TRUE(h.last().closed);
  }
  {
    ConnectionHarness h;
    h.on_request_ = [&](Seen& seen) {
      seen.when_closed = [&](Seen&) { h.destroy(); };
      seen.answer("hello");
    };
    h.ask(request);
    EXPECT_TRUE(h.last().completed);
    EXPECT_EQ(h.seen_.size(), 1U);
  }
  {
    ConnectionHarness h({}, 1000);
    h.on_request_ = [&](Seen& seen) {
      seen.exchange->send_head({});
      seen.exchange->send_body(Slice::copy_of(std::string(Exchange::kHighWater, 'x')));
      seen.when_drained = [&](Seen&) { h.destroy(); };
    };
    h.ask(request);
    EXPECT_EQ(h.last().drained, 1);
    EXPECT_FALSE(h.open());
  }
  {
    ConnectionHarness h;
    h.on_request_ = [&](Seen& seen) {
      seen.when_closed = [&](Seen&) { h.destroy(); };
      seen.exchange->abort();
    };
    h.ask(request);
    EXPECT_TRUE(h.last().closed);
  }
}

}  // namespace
}  // namespace meridian::http
