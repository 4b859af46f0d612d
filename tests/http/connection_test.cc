#include <gtest/gtest.h>

#include "tests/http/connection_harness.h"

// Requests and answers over one HTTP/1.1 connection.
namespace meridian::http {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(Connection, AnswersOneRequestAndStaysOpen) {
  ConnectionHarness h;
  EXPECT_EQ(h.ask(kGet), kHello);
  EXPECT_EQ(h.last().scheme, "http");
  EXPECT_EQ(h.last().authority, "a");
  EXPECT_TRUE(h.last().completed);
  EXPECT_EQ(h.last().sent, kHello.size());
  EXPECT_TRUE(h.connection_->idle());
  EXPECT_EQ(h.ask(kGet), kHello);
  EXPECT_EQ(h.seen_.size(), 2U);
}

// RFC 9112 section 9.3.2: answers come in the order of requests.
TEST(Connection, AnswersPipelinedRequestsInOrder) {
  ConnectionHarness h;
  h.on_request_ = [](Seen& seen) { seen.answer(seen.path); };
  std::string requests;
  std::string answers;
  for (int i = 0; i < 200; ++i) {
    const std::string path = "/" + std::to_string(i);
    requests += "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n";
    answers += "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(path.size()) + "\r\n\r\n" + path;
  }
  EXPECT_EQ(h.ask(requests), answers);
  EXPECT_EQ(h.seen_.size(), 200U);
}

TEST(Connection, APipelinedRequestWaitsForTheAnswerBefore) {
  ConnectionHarness h;
  h.on_request_ = [](Seen&) {};
  EXPECT_EQ(h.ask(std::string(kGet) + std::string(kGet)), "");
  ASSERT_EQ(h.seen_.size(), 1U);
  h.last().answer("first");
  h.turn();
  ASSERT_EQ(h.seen_.size(), 2U);
  EXPECT_EQ(h.receive(), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst");
  h.last().answer("later");
  h.turn();
  EXPECT_EQ(h.receive(), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlater");
}

TEST(Connection, ARequestMayComeInAnyPieces) {
  const std::string request =
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + std::string(kGet);
  for (std::size_t cut = 1; cut < request.size(); ++cut) {
    ConnectionHarness h;
    h.on_request_ = [](Seen& seen) {
      seen.exchange->read_body();
      seen.on_body = [](Seen& s) { s.body_done ? s.answer("hello") : s.exchange->read_body(); };
    };
    std::string answers = h.ask(request.substr(0, cut));
    answers += h.ask(request.substr(cut));
    ASSERT_EQ(h.seen_.size(), 2U) << cut;
    EXPECT_EQ(h.seen_[0]->body, "abc") << cut;
    EXPECT_EQ(answers, std::string(kHello) + std::string(kHello)) << cut;
  }
}

// RFC 9112 section 9.3: persistence by version and Connection.
TEST(Connection, ClosesWhenTheClientAsks) {
  ConnectionHarness h;
  EXPECT_EQ(h.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
  EXPECT_TRUE(h.ended());
  EXPECT_FALSE(h.open());
}

TEST(Connection, Http10ClosesUnlessAsked) {
  ConnectionHarness h;
  EXPECT_EQ(h.ask("GET / HTTP/1.0\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
  EXPECT_TRUE(h.ended());
  ConnectionHarness kept;
  EXPECT_EQ(kept.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello");
  EXPECT_FALSE(kept.ended());
}

void answer_without_length(Seen& seen) {
  seen.exchange->send_head({});
  seen.exchange->send_body(Slice::copy_of("abc"));
  seen.exchange->send_body(Slice::copy_of(std::string(17, 'x')));
  seen.exchange->finish("X-Sum: 1\r\n");
}

// RFC 9112 sections 6.1 and 7.1.
TEST(Connection, ABodyWithoutLengthIsChunked) {
  ConnectionHarness h;
  h.on_request_ = answer_without_length;
  EXPECT_EQ(h.ask(kGet), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n11\r\n" +
                             std::string(17, 'x') + "\r\n0\r\nX-Sum: 1\r\n\r\n");
  EXPECT_TRUE(h.open());
}

TEST(Connection, ABodyWithoutLengthEndsWithAnHttp10Connection) {
  ConnectionHarness h;
  h.on_request_ = answer_without_length;
  EXPECT_EQ(h.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc" + std::string(17, 'x'));
  EXPECT_TRUE(h.ended());
  EXPECT_TRUE(h.last().completed);
}

// RFC 9110 sections 8.6, 9.3.2, 15.3.5, 15.4.5.
TEST(Connection, HeadAnd304AnnounceALengthAndHaveNoBody) {
  ConnectionHarness h;
  EXPECT_EQ(h.ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  h.on_request_ = [](Seen& seen) {
    seen.exchange->send_head({.status = 304, .reason = {}, .blocks = {}, .has_length = true, .length = 9});
    seen.exchange->finish();
  };
  EXPECT_EQ(h.ask(kGet), "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n");
  h.on_request_ = [](Seen& seen) {
    seen.exchange->send_head({.status = 204, .reason = {}, .blocks = {}, .has_length = true, .length = 0});
    seen.exchange->finish();
  };
  EXPECT_EQ(h.ask(kGet), "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_TRUE(h.open());
}

TEST(Connection, UnknownStatusAndOwnReason) {
  ConnectionHarness h;
  h.on_request_ = [](Seen& seen) {
    seen.exchange->send_head({.status = 299, .reason = {}, .blocks = {}, .has_length = true, .length = 0});
    seen.exchange->finish();
  };
  EXPECT_EQ(h.ask(kGet), "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n");
  h.on_request_ = [](Seen& seen) {
    seen.exchange->send_head(
        {.status = 200, .reason = "Fine", .blocks = {}, .has_length = true, .length = 0});
    seen.exchange->finish();
  };
  EXPECT_EQ(h.ask(kGet), "HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\n");
}

// A length that is not kept can only be told by cutting the connection (RFC 9112 section 8).
TEST(Connection, ABodyThatIsNotAsLongAsAnnouncedCutsTheConnection) {
  for (const std::string_view body : {"four", "sixsix"}) {
    ConnectionHarness h;
    h.on_request_ = [body](Seen& seen) {
      seen.exchange->send_head({.status = 200, .reason = {}, .blocks = {}, .has_length = true, .length = 5});
      seen.exchange->send_body(Slice::copy_of(body));
      seen.exchange->finish();
    };
    h.ask(kGet);
    EXPECT_TRUE(h.reset()) << body;
    EXPECT_TRUE(h.last().closed);
    EXPECT_FALSE(h.last().completed);
  }
}

TEST(Connection, RequestsPerConnection) {
  ServerLimits limits;
  limits.requests_per_connection = 2;
  ConnectionHarness h(limits);
  const std::string answers = h.ask(std::string(kGet) + std::string(kGet) + std::string(kGet));
  EXPECT_EQ(h.seen_.size(), 2U);
  EXPECT_EQ(count(answers, "Connection: close"), 1U);
  EXPECT_TRUE(h.ended());
}

TEST(Connection, DrainClosesWhatIsIdleAndFinishesWhatRuns) {
  ConnectionHarness idle;
  idle.ask(kGet);
  idle.connection_->drain();
  ASSERT_TRUE(idle.open()) << "not inside the call";
  idle.turn();
  EXPECT_FALSE(idle.open());

  ConnectionHarness busy;
  busy.on_request_ = [](Seen&) {};
  busy.send(kGet);
  busy.connection_->drain();
  busy.turn();
  ASSERT_TRUE(busy.open());
  busy.last().answer("hello");
  busy.turn();
  EXPECT_EQ(busy.receive(), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
  EXPECT_TRUE(busy.ended());
}

TEST(Connection, DrainLetsAFreshConnectionSendItsFirstRequest) {
  ConnectionHarness fresh;
  fresh.connection_->drain();
  fresh.turn();
  ASSERT_TRUE(fresh.open());
  EXPECT_EQ(count(fresh.ask(kGet), "Connection: close"), 1U);
  EXPECT_TRUE(fresh.ended());

  ConnectionHarness silent;
  silent.connection_->drain();
  silent.pass_ms(2500);
  EXPECT_FALSE(silent.open());
}

TEST(Connection, CloseAfterEndsTheConnectionBehindTheAnswer) {
  ConnectionHarness h;
  h.on_request_ = [](Seen& seen) {
    seen.exchange->close_after();
    seen.answer("hello");
  };
  EXPECT_EQ(h.ask(kGet), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
  EXPECT_TRUE(h.ended());
}

// RFC 9110 section 15.2.
TEST(Connection, InformationalAnswersGoToHttp11Only) {
  ConnectionHarness h;
  h.on_request_ = [](Seen& seen) {
    seen.exchange->send_informational(103, "Link: </x>\r\n");
    seen.answer("hello");
  };
  EXPECT_EQ(h.ask(kGet), "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + std::string(kHello));
  EXPECT_EQ(h.ask("GET / HTTP/1.0\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
}

TEST(Connection, AbortResetsAndTellsTheHandlerLater) {
  ConnectionHarness h;
  h.on_request_ = [](Seen& seen) {
    seen.exchange->send_head({.status = 200, .reason = {}, .blocks = {}, .has_length = true, .length = 50});
    seen.exchange->abort();
    EXPECT_FALSE(seen.closed);
  };
  h.ask(kGet);
  EXPECT_TRUE(h.last().closed);
  EXPECT_FALSE(h.last().completed);
  EXPECT_TRUE(h.reset());
  EXPECT_FALSE(h.open());
}

TEST(Connection, TruncateEndsByFinBehindWhatIsQueued) {
  ConnectionHarness h;
  h.on_request_ = [](Seen& seen) {
    seen.exchange->send_head({.status = 200, .reason = {}, .blocks = {}, .has_length = true, .length = 50});
    seen.exchange->send_body(Slice::copy_of("part"));
    seen.exchange->truncate();
  };
  EXPECT_EQ(h.ask(kGet), "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\npart");
  EXPECT_TRUE(h.ended());
  EXPECT_FALSE(h.reset());
  EXPECT_FALSE(h.last().completed);
}

// RFC 9110 section 7.8.
TEST(Connection, UpgradeGivesTheStreamAndWhatCameEarly) {
  ConnectionHarness h;
  Exchange::Tunnel tunnel;
  h.on_request_ = [&](Seen& seen) {
    ResponseStart start;
    start.status = 101;
    const std::string_view blocks[] = {"Connection: upgrade\r\nUpgrade: x\r\n"};
    start.blocks = blocks;
    tunnel = seen.exchange->upgrade(start);
    EXPECT_TRUE(seen.exchange->peer().valid());
  };
  EXPECT_EQ(h.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nearly"),
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
  EXPECT_FALSE(h.open());
  EXPECT_FALSE(h.last().closed);
  ASSERT_NE(tunnel.stream, nullptr);
  EXPECT_EQ(tunnel.early.view(), "early");
  const iovec part{const_cast<char*>("raw"), 3};
  tunnel.stream->write(&part, 1);
  EXPECT_EQ(h.receive(), "raw");
}

}  // namespace
}  // namespace meridian::http
