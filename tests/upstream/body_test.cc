#include "tests/upstream/harness.h"

// Bodies both ways: framing, bounded queues, back-pressure, and answers that come early.
namespace meridian::upstream::test {
namespace {

class BodyTest : public UpstreamTest {
 protected:
  ScriptedOrigin origin{*loop};
  void SetUp() override { use({origin.url()}); }
  void await_head() {
    ASSERT_TRUE(drive([&] { return origin.heads() >= 1; }));
  }
};

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 12345;
  for (char& byte : bytes) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

TEST_F(BodyTest, AnAnnouncedLengthIsSentAsIs) {
  auto client = start({.method = "POST", .has_body = true, .body_length = 10});
  client->fetch->send_body("01234");
  client->fetch->send_body("56789");
  client->fetch->finish_body();
  ASSERT_TRUE(
      drive([&] { return origin.heads() == 1 && origin.at(0).received.ends_with("\r\n\r\n0123456789"); }));
  EXPECT_NE(origin.at(0).received.find("Content-Length: 10\r\n"), std::string::npos);
  origin.at(0).send(kOk);
  ASSERT_TRUE(drive([&] { return client->over(); }));
  EXPECT_TRUE(client->done);
}

TEST_F(BodyTest, AnUnknownLengthIsChunkedWithTrailers) {
  auto client = start({.method = "POST", .has_body = true});
  client->fetch->send_body("hello");
  await_head();
  client->fetch->send_body("0123456789abcdef");
  client->fetch->finish_body("X-Sum: 1\r\n");
  ASSERT_TRUE(drive([&] {
    return origin.at(0).received.ends_with(
        "\r\n\r\n5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nX-Sum: 1\r\n\r\n");
  })) << origin.at(0).received;
  EXPECT_NE(origin.at(0).received.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
}

TEST_F(BodyTest, ALargeUploadPassesThroughABoundedQueue) {
  const std::string body = pattern(5'000'000);
  auto client = start({.method = "POST", .has_body = true, .body_length = body.size()});
  std::size_t sent = 0;
  const auto send_some = [&] {
    while (sent < body.size() && client->fetch->writable()) {
      const std::size_t size = std::min<std::size_t>(30'000, body.size() - sent);
      client->fetch->send_body(std::string_view(body).substr(sent, size));
      sent += size;
    }
    if (sent == body.size()) client->fetch->finish_body();
  };
  client->hook = [&](std::string_view event) {
    if (event == "writable") send_some();
  };
  send_some();
  await_head();
  origin.at(0).deafen(true);
  turns(200);
  EXPECT_LT(sent, body.size());
  origin.at(0).deafen(false);
  ASSERT_TRUE(drive([&] { return origin.at(0).received.size() > body.size(); }));
  ASSERT_TRUE(drive(
      [&] { return origin.at(0).received.ends_with(std::string_view(body).substr(body.size() - 1000)); }));
  EXPECT_EQ(origin.at(0).received.substr(origin.at(0).received.find("\r\n\r\n") + 4), body);
  origin.at(0).send(kOk);
  ASSERT_TRUE(drive([&] { return client->over(); }));
  EXPECT_TRUE(client->done);
}

TEST_F(BodyTest, ALargeChunkedUploadKeepsItsFraming) {
  const std::string body = pattern(300'000);
  auto client = start({.method = "POST", .has_body = true});
  client->hook = [&](std::string_view) {};
  std::size_t sent = 0;
  ASSERT_TRUE(drive([&] {
    while (sent < body.size() && client->fetch->writable()) {
      client->fetch->send_body(std::string_view(body).substr(sent, 10'000));
      sent += 10'000;
    }
    return sent == body.size();
  }));
  client->fetch->finish_body();
  ASSERT_TRUE(
      drive([&] { return !origin.connections.empty() && origin.at(0).received.ends_with("0\r\n\r\n"); }));
  http::ChunkDecoder decoder{http::HeadLimits{}};
  std::string_view rest = origin.at(0).received;
  rest.remove_prefix(rest.find("\r\n\r\n") + 4);
  std::string decoded;
  for (;;) {
    const auto step = decoder.next(rest);
    decoded += step.data;
    rest.remove_prefix(step.consumed);
    ASSERT_NE(step.state, http::ParseState::kBad);
    if (step.state == http::ParseState::kDone) break;
  }
  EXPECT_TRUE(decoded == body);
  EXPECT_TRUE(rest.empty());
}

TEST_F(BodyTest, MoreOrLessThanAnnouncedIsTheClientsFault) {
  auto more = start({.method = "POST", .has_body = true, .body_length = 3});
  more->fetch->send_body("four");
  ASSERT_TRUE(drive([&] { return more->over(); }));
  EXPECT_EQ(more->error->code, ErrorCode::kInvalid);
  EXPECT_EQ(more->error->source, ErrorSource::kClient);
  auto less = start({.method = "POST", .has_body = true, .body_length = 3});
  less->fetch->send_body("tw");
  less->fetch->finish_body();
  ASSERT_TRUE(drive([&] { return less->over(); }));
  EXPECT_EQ(less->error->source, ErrorSource::kClient);
  EXPECT_EQ(state().failures, 0U);
  EXPECT_EQ(state().running, 0U);
}

TEST_F(BodyTest, AnEarlyAnswerIsHandedOnAndEndsTheConnection) {
  auto client = start({.method = "POST", .has_body = true, .body_length = 1000});
  client->fetch->send_body("only a part");
  await_head();
  origin.at(0).send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
  ASSERT_TRUE(drive([&] { return client->over(); }));
  EXPECT_TRUE(client->done);
  EXPECT_EQ(client->status, 413);
  ASSERT_TRUE(drive([&] { return origin.at(0).ended; }));
}

TEST_F(BodyTest, AnEarlyAnswerBeforeACloseIsStillRead) {
  auto client = start({.method = "POST", .has_body = true});
  await_head();
  origin.at(0).send_and_close("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno");
  // The closed socket refuses what is sent now; the answer was there before.
  client->fetch->send_body("x");
  client->fetch->send_body("y");
  client->fetch->finish_body();
  ASSERT_TRUE(drive([&] { return client->over(); }));
  EXPECT_TRUE(client->done) << client->error->context;
  EXPECT_EQ(client->status, 413);
}

TEST_F(BodyTest, APausedResponseStopsTheOriginAndLosesNothing) {
  const std::string body = pattern(8'000'000);
  auto client = start();
  await_head();
  client->hook = [&](std::string_view event) {
    if (event == "body" && client->pieces == 1) client->fetch->pause();
  };
  origin.at(0).send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  turns(500);
  EXPECT_EQ(client->pieces, 1);
  EXPECT_FALSE(origin.at(0).sent_all());
  // A reader may take its time: that is not the origin's silence.
  advance(10 * options.between_bytes_timeout_ms);
  EXPECT_FALSE(client->over());
  client->fetch->resume();
  ASSERT_TRUE(drive([&] { return client->over(); }));
  EXPECT_TRUE(client->done);
  EXPECT_TRUE(client->body == body);
}

TEST_F(BodyTest, PauseHoldsWhatHasBeenReadAlready) {
  auto client = start();
  await_head();
  client->hook = [&](std::string_view event) {
    if (event == "body") client->fetch->pause();
  };
  origin.at(0).send(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n");
  for (const char* expected : {"a", "ab", "abc"}) {
    ASSERT_TRUE(drive([&] { return client->body == expected; }));
    turns();
    EXPECT_EQ(client->body, expected);
    EXPECT_FALSE(client->done);
    client->fetch->resume();
    EXPECT_EQ(client->body, expected) << "nothing comes inside resume()";
  }
  ASSERT_TRUE(drive([&] { return client->done; }));
}

TEST_F(BodyTest, PausedBeforeTheHeadNothingIsRead) {
  auto client = start();
  client->fetch->pause();
  await_head();
  origin.at(0).send(kOk);
  turns();
  EXPECT_TRUE(client->events.empty());
  client->fetch->resume();
  ASSERT_TRUE(drive([&] { return client->done; }));
}

TEST_F(BodyTest, SlicesStayWhatTheyWere) {
  const std::string body = pattern(3'000'000);
  origin.always("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  Client first;
  first.keep_slices = true;
  start_into(first);
  ASSERT_TRUE(drive([&] { return first.over(); }));
  origin.always("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'z'));
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(run()->done);
  std::string kept;
  for (const Slice& s : first.slices) kept += s.view();
  EXPECT_TRUE(kept == body);
  EXPECT_EQ(origin.connections.size(), 1U);
}

TEST_F(BodyTest, InterleavedResponsesDoNotMix) {
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(start());
    clients.back()->keep_slices = true;
  }
  ASSERT_TRUE(drive([&] { return origin.heads() == 8; }));
  for (std::size_t i = 0; i < 8; ++i) {
    origin.at(i).send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  }
  for (int round = 0; round < 200; ++round) {
    for (std::size_t i = 0; i < 8; ++i) {
      origin.at(i).send("64\r\n" + std::string(50, static_cast<char>('a' + i)));
      turns(1);
      origin.at(i).send(std::string(50, static_cast<char>('A' + i)) + "\r\n");
    }
    turns(2);
  }
  for (std::size_t i = 0; i < 8; ++i) origin.at(i).send("0\r\n\r\n");
  ASSERT_TRUE(
      drive([&] { return std::all_of(clients.begin(), clients.end(), [](auto& c) { return c->over(); }); }));
  std::vector<std::string> seen;
  for (auto& client : clients) {
    ASSERT_TRUE(client->done);
    std::string kept;
    for (const Slice& s : client->slices) kept += s.view();
    EXPECT_TRUE(kept == client->body) << "a slice changed after it was handed on";
    EXPECT_EQ(kept.size(), 20'000U);
    EXPECT_EQ(kept.find_first_not_of(std::string{kept[0], static_cast<char>(kept[0] - 'a' + 'A')}),
              std::string::npos);
    seen.push_back(kept);
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end());
}

}  // namespace
}  // namespace meridian::upstream::test
