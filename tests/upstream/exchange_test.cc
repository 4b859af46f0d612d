#include "tests/upstream/harness.h"

// One exchange after another on good and on broken connections: framing, keep-alive, interim responses.
namespace meridian::upstream::test {
namespace {

class ExchangeTest : public UpstreamTest {
 protected:
  ScriptedOrigin origin{*loop};
  void SetUp() override {
    options.retries = 0;
    use({origin.url()});
  }
  std::unique_ptr<Client> answered(std::string_view response, const Ask& ask = {}) {
    origin.always(std::string(response));
    return run(ask);
  }
};

TEST_F(ExchangeTest, SendsTheRequestAsItIs) {
  auto client = answered(kOk, {.path = "/a?b=c", .block = "X-One: 1\r\n"});
  EXPECT_TRUE(client->done);
  EXPECT_EQ(client->status, 200);
  EXPECT_EQ(client->body, "ok");
  EXPECT_EQ(client->length, 2U);
  EXPECT_EQ(origin.at(0).received,
            "GET /a?b=c HTTP/1.1\r\nHost: www.example.test\r\nAccept: */*\r\nX-One: 1\r\n\r\n");
}

TEST_F(ExchangeTest, PutsTheBasePathAndItsOwnHost) {
  use({origin.url() + "/app/"});
  answered(kOk, {.path = "/x", .authority = ""});
  EXPECT_TRUE(origin.at(0).received.starts_with(
      "GET /app/x HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(origin.port()) + "\r\n"))
      << origin.at(0).received;
}

TEST_F(ExchangeTest, APostWithoutBodySaysSo) {
  answered(kOk, {.method = "POST"});
  EXPECT_NE(origin.at(0).received.find("Content-Length: 0\r\n"), std::string::npos);
}

TEST_F(ExchangeTest, OneConnectionServesMany) {
  for (int i = 0; i < 10; ++i) {
    auto client = answered(kOk);
    ASSERT_TRUE(client->done);
    EXPECT_EQ(client->fetch->info().reused, i > 0);
    EXPECT_EQ(client->fetch->info().attempts, 1U);
  }
  EXPECT_EQ(origin.connections.size(), 1U);
  EXPECT_EQ(state().connects, 1U);
  EXPECT_EQ(state().reuses, 9U);
  EXPECT_EQ(state().requests, 10U);
  EXPECT_EQ(state().failures, 0U);
  EXPECT_EQ(state().running, 0U);
}

TEST_F(ExchangeTest, TheNextMayStartInsideTheCallThatEndsTheLast) {
  origin.always(std::string(kOk));
  Client first;
  Client second;
  first.hook = [&](std::string_view event) {
    if (event == "done") start_into(second);
  };
  start_into(first);
  ASSERT_TRUE(drive([&] { return second.over(); }));
  EXPECT_TRUE(second.done);
  EXPECT_EQ(second.body, "ok");
  EXPECT_EQ(origin.connections.size(), 1U);
}

TEST_F(ExchangeTest, ConnectionCloseIsObeyed) {
  auto client = answered("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_TRUE(client->done);
  answered(kOk);
  EXPECT_EQ(origin.connections.size(), 2U);
}

TEST_F(ExchangeTest, BytesBehindAResponseEndTheConnection) {
  auto client = answered("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n");
  EXPECT_TRUE(client->done);
  EXPECT_EQ(client->body, "ok");
  answered(kOk);
  EXPECT_EQ(origin.connections.size(), 2U);
}

TEST_F(ExchangeTest, BytesOnAnIdleConnectionEndIt) {
  answered(kOk);
  origin.at(0).send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  ASSERT_TRUE(drive([&] { return origin.at(0).ended; }));
  auto client = answered(kOk);
  EXPECT_EQ(client->body, "ok");
  EXPECT_EQ(origin.connections.size(), 2U);
}

TEST_F(ExchangeTest, AnIdleConnectionIsKeptForItsTime) {
  answered(kOk);
  advance(options.idle_timeout_ms - 100);
  EXPECT_FALSE(origin.at(0).ended);
  advance(200);
  EXPECT_TRUE(origin.at(0).ended);
}

TEST_F(ExchangeTest, TheOriginsOwnIdleTimeIsUndercut) {
  answered("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n");
  advance(3900);
  EXPECT_FALSE(origin.at(0).ended);
  advance(200);
  EXPECT_TRUE(origin.at(0).ended);
}

TEST_F(ExchangeTest, NoMoreAreKeptThanAllowed) {
  options.idle_connections = 1;
  use({origin.url()});
  origin.always(std::string(kOk));
  auto a = start();
  auto b = start();
  ASSERT_TRUE(drive([&] { return a->over() && b->over(); }));
  EXPECT_EQ(origin.connections.size(), 2U);
  ASSERT_TRUE(drive([&] { return origin.at(0).ended != origin.at(1).ended; }));
}

TEST_F(ExchangeTest, HeadHasNoBodyWhateverItAnnounces) {
  auto client = answered("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", {.method = "HEAD"});
  EXPECT_TRUE(client->done);
  EXPECT_TRUE(client->no_body);
  EXPECT_EQ(client->body, "");
  answered("HTTP/1.1 204 No Content\r\n\r\n");
  auto last = answered("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n");
  EXPECT_TRUE(last->done);
  EXPECT_TRUE(last->no_body);
  EXPECT_EQ(origin.connections.size(), 1U);
}

TEST_F(ExchangeTest, ABodyBehind204Or304IsAnError) {
  for (const char* head : {"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\n\r\n"}) {
    auto client = answered(std::string(head) + "junk");
    ASSERT_TRUE(client->error);
    EXPECT_EQ(client->error->code, ErrorCode::kInvalid);
    EXPECT_FALSE(client->saw("head"));
  }
  EXPECT_EQ(origin.connections.size(), 2U);
}

TEST_F(ExchangeTest, AnEmptyBodyIsDoneWithItsHead) {
  auto client = answered("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(client->done);
  EXPECT_TRUE(client->no_body);
  EXPECT_EQ(client->length, 0U);
}

TEST_F(ExchangeTest, ChunksAndTrailers) {
  auto client = answered(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nX-Sum: "
      "5\r\n\r\n");
  EXPECT_TRUE(client->done);
  EXPECT_EQ(client->body, "abcde");
  EXPECT_EQ(client->length, std::nullopt);
  EXPECT_EQ(client->trailers, "X-Sum: 5\n");
  answered(kOk);
  EXPECT_EQ(origin.connections.size(), 1U);
}

// Every cut of the stream into two reads gives the same message.
TEST_F(ExchangeTest, AnyCutOfTheBytesIsTheSameMessage) {
  const std::string response =
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\nA\r\n, world!!!\r\n0\r\nX-T: v\r\n\r\n";
  for (std::size_t cut = 1; cut < response.size(); ++cut) {
    origin.on_bytes = nullptr;
    auto client = start();
    OriginConnection* c = nullptr;
    ASSERT_TRUE(drive([&] {
      if (origin.connections.empty()) return false;
      c = origin.connections.back().get();
      return c->received.ends_with("\r\n\r\n");
    }));
    c->received.clear();
    c->send(response.substr(0, cut));
    turns(3);
    c->send(response.substr(cut));
    ASSERT_TRUE(drive([&] { return client->over(); })) << cut;
    ASSERT_TRUE(client->done) << cut;
    ASSERT_EQ(client->body, "hello, world!!!") << cut;
    ASSERT_EQ(client->trailers, "X-T: v\n") << cut;
    ASSERT_EQ(client->events.front(), "info 103") << cut;
  }
  EXPECT_EQ(origin.connections.size(), 1U);
}

TEST_F(ExchangeTest, ABodyUntilTheCloseIsWholeAtACleanEnd) {
  origin.on_bytes = [](OriginConnection& c) { c.send_and_close("HTTP/1.1 200 OK\r\n\r\nall of it"); };
  auto client = run();
  EXPECT_TRUE(client->done);
  EXPECT_EQ(client->body, "all of it");
  EXPECT_EQ(client->length, std::nullopt);
}

TEST_F(ExchangeTest, ABodyUntilTheCloseThatIsResetIsBroken) {
  auto client = start();
  ASSERT_TRUE(drive([&] { return origin.heads() == 1; }));
  origin.at(0).send("HTTP/1.1 200 OK\r\n\r\npart of");
  ASSERT_TRUE(drive([&] { return client->saw("body"); }));
  origin.at(0).reset();
  ASSERT_TRUE(drive([&] { return client->over(); }));
  ASSERT_TRUE(client->error);
  EXPECT_EQ(client->error->code, ErrorCode::kClosed);
}

TEST_F(ExchangeTest, InterimResponsesAreHandedOnAndContinueIsSwallowed) {
  auto client = answered(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 "
      "Processing\r\n\r\n" +
      std::string(kOk));
  EXPECT_TRUE(client->done);
  EXPECT_EQ(client->events, (std::vector<std::string>{"info 103", "info 102", "head", "body", "done"}));
}

TEST_F(ExchangeTest, EndlessInterimResponsesAreCutOff) {
  std::string many;
  for (int i = 0; i < 40; ++i) many += "HTTP/1.1 103 Early Hints\r\n\r\n";
  auto client = answered(many + std::string(kOk));
  ASSERT_TRUE(client->error);
  EXPECT_EQ(client->error->code, ErrorCode::kTooLarge);
}

TEST_F(ExchangeTest, UnaskedSwitchingOfProtocolsIsAnError) {
  auto client =
      answered("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n");
  ASSERT_TRUE(client->error);
  EXPECT_EQ(client->error->code, ErrorCode::kInvalid);
  EXPECT_FALSE(client->saw("head"));
}

TEST_F(ExchangeTest, AnUpgradeHandsOverTheStreamWithItsEarlyBytes) {
  auto client = answered(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nfirst frame",
      {.block = "Upgrade: websocket\r\n", .upgrade = true});
  ASSERT_TRUE(client->stream);
  EXPECT_EQ(client->status, 101);
  EXPECT_EQ(client->early, "first frame");
  EXPECT_NE(origin.at(0).received.find("Connection: upgrade\r\n"), std::string::npos);
  EXPECT_EQ(state().running, 0U);
  client->fetch.reset();
  const iovec part{const_cast<char*>("ping"), 4};
  EXPECT_EQ(client->stream->write(&part, 1).bytes, 4U);
  ASSERT_TRUE(drive([&] { return origin.at(0).received.ends_with("ping"); }));
}

TEST_F(ExchangeTest, ARefusedUpgradeIsAnOrdinaryResponse) {
  auto client = answered("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", {.upgrade = true});
  EXPECT_TRUE(client->done);
  EXPECT_EQ(client->status, 403);
  EXPECT_EQ(client->body, "no");
}

struct Broken {
  const char* what;
  const char* response;
  ErrorCode code;
  bool head_first;  // what is wrong shows only behind the head
};

class BrokenResponseTest : public ExchangeTest, public ::testing::WithParamInterface<Broken> {};

TEST_P(BrokenResponseTest, IsAnErrorAndEndsTheConnection) {
  origin.on_bytes = [](OriginConnection& c) { c.send_and_close(GetParam().response); };
  auto client = run();
  ASSERT_TRUE(client->error);
  EXPECT_FALSE(client->done);
  EXPECT_EQ(client->error->code, GetParam().code) << client->error->context;
  EXPECT_EQ(client->error->source, ErrorSource::kOrigin);
  EXPECT_EQ(client->saw("head"), GetParam().head_first);
  EXPECT_NE(client->error->context.find(origin.url()), std::string::npos) << client->error->context;
  EXPECT_EQ(state().failures, 1U);
  EXPECT_EQ(state().running, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    All, BrokenResponseTest,
    ::testing::Values(
        Broken{"nothing", "", ErrorCode::kClosed, false},
        Broken{"half a head", "HTTP/1.1 200 OK\r\nA:", ErrorCode::kClosed, false},
        Broken{"garbage", "\x16\x03\x01 no http at all\r\n\r\n", ErrorCode::kInvalid, false},
        Broken{"bad length", "HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n", ErrorCode::kInvalid, false},
        Broken{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
               ErrorCode::kInvalid, false},
        Broken{"length and chunked",
               "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
               ErrorCode::kInvalid, false},
        Broken{"obs-fold", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n", ErrorCode::kInvalid,
               false},
        Broken{"short body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", ErrorCode::kClosed, true},
        Broken{"bad chunk size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
               ErrorCode::kInvalid, true},
        Broken{"chunk without end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabX\r\n",
               ErrorCode::kInvalid, true},
        Broken{"no last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
               ErrorCode::kClosed, true}));

TEST_F(ExchangeTest, AHeadAboveItsLimitIsRefused) {
  options.targets[0].limits.header_bytes = 1000;
  use_options();
  auto client =
      answered("HTTP/1.1 200 OK\r\nX-Long: " + std::string(2000, 'a') + "\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(client->error);
  EXPECT_FALSE(client->saw("head"));
}

TEST_F(ExchangeTest, AHeadLargerThanABlockFits) {
  options.targets[0].limits = {.line_bytes = 200'000, .header_bytes = 400'000, .header_count = 100};
  use_options();
  const std::string large(150'000, 'a');
  auto client = answered("HTTP/1.1 200 OK\r\nX-Long: " + large + "\r\nContent-Length: 2\r\n\r\nok");
  ASSERT_TRUE(client->done) << (client->error ? client->error->context : "");
  EXPECT_NE(client->fields.find(large), std::string::npos);
}

TEST_F(ExchangeTest, AHandlerMayDropItsFetchInsideAnyCall) {
  const std::string response = "HTTP/1.1 103 Early Hints\r\n\r\n" + std::string(kOk);
  for (const char* event : {"info 103", "head", "body", "done"}) {
    Client client;
    client.hook = [&](std::string_view e) {
      if (e == event) client.fetch.reset();
    };
    origin.always(response);
    start_into(client);
    ASSERT_TRUE(drive([&] { return client.saw(event); }));
    turns();
    EXPECT_EQ(client.events.back(), event);
    EXPECT_EQ(state().running, 0U);
  }
  Client failing;
  failing.hook = [&](std::string_view) { failing.fetch.reset(); };
  origin.answer_by([](OriginConnection& c) { c.send_and_close("garbage\r\n\r\n"); });
  start_into(failing);
  ASSERT_TRUE(drive([&] { return failing.over(); }));
  EXPECT_TRUE(failing.error);
}

TEST_F(ExchangeTest, DroppingClosesTheConnectionUnlessTheResponseIsWhole) {
  auto client = start();
  ASSERT_TRUE(drive([&] { return origin.heads() == 1; }));
  origin.at(0).send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab");
  ASSERT_TRUE(drive([&] { return client->saw("body"); }));
  client.reset();
  ASSERT_TRUE(drive([&] { return origin.at(0).ended; }));
  EXPECT_EQ(state().failures, 0U);
}

TEST_F(ExchangeTest, FetchesOutliveTheirGroup) {
  auto idle = answered(kOk);
  origin.on_bytes = nullptr;
  auto client = start();
  origin.at(0).on_bytes = nullptr;
  ASSERT_TRUE(drive([&] { return origin.heads() == 2; }));
  group.reset();
  origin.at(0).send(std::string(kOk));
  ASSERT_TRUE(drive([&] { return client->over(); }));
  EXPECT_TRUE(client->done);
  ASSERT_TRUE(drive([&] { return origin.at(0).ended; }));
}

}  // namespace
}  // namespace meridian::upstream::test
