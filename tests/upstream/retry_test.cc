#include "tests/upstream/harness.h"

// What is tried again, what never is, and what stops it.
namespace meridian::upstream::test {
namespace {

class RetryTest : public UpstreamTest {
 protected:
  // Steps the clock through backoffs until the fetch is over.
  void finish(Client& client) {
    for (int i = 0; i < 1000 && !client.over(); ++i) advance(10);
    ASSERT_TRUE(client.over());
  }
  ScriptedOrigin origin{*loop};
  ScriptedOrigin other{*loop};
};

TEST_F(RetryTest, ARefusedConnectionIsTriedAtTheOtherTarget) {
  options.retry_budget = 1;
  use({dead_url(), origin.url()});
  origin.always(std::string(kOk));
  for (const char* method : {"GET", "POST"}) {
    for (int i = 0; i < 8; ++i) {
      auto client = start({.method = method});
      finish(*client);
      EXPECT_TRUE(client->done) << (client->error ? client->error->context : "");
    }
  }
  EXPECT_GT(state(0).failures, 0U);
  EXPECT_EQ(state(1).failures, 0U);
  EXPECT_EQ(state(1).retries + state(0).retries, state(0).failures);
}

TEST_F(RetryTest, ARefusedConnectionIsReportedWhenNothingElseHelps) {
  use({dead_url()});
  auto client = start();
  finish(*client);
  ASSERT_TRUE(client->error);
  EXPECT_EQ(client->error->code, ErrorCode::kRefused);
  EXPECT_EQ(client->error->source, ErrorSource::kOrigin);
  EXPECT_EQ(client->fetch->info().attempts, 3U);
}

TEST_F(RetryTest, NothingIsReportedInsideStart) {
  options.retries = 0;
  use({"http://no-such-name.test"});
  auto client = start();
  EXPECT_FALSE(client->over());
  finish(*client);
  EXPECT_EQ(client->error->code, ErrorCode::kUnresolved);
}

TEST_F(RetryTest, AnIdleConnectionThatClosesUnderARequestIsReplacedAtOnce) {
  options.retries = 0;
  use({origin.url()});
  origin.always(std::string(kOk));
  run();
  // It closes when it sees the next request: too late for any look before the use.
  origin.answer_by([](OriginConnection& c) { c.reset(); });
  origin.on_bytes = nullptr;
  auto client = start();
  ASSERT_TRUE(drive([&] { return origin.connections.size() == 2 && origin.at(1).heads() == 1; }));
  EXPECT_EQ(origin.at(0).heads(), 2U);
  origin.at(1).send(kOk);
  ASSERT_TRUE(drive([&] { return client->over(); }));
  EXPECT_TRUE(client->done);
  EXPECT_FALSE(client->fetch->info().reused);
  EXPECT_EQ(client->fetch->info().attempts, 2U);
  EXPECT_EQ(state().retries, 0U);
  EXPECT_EQ(state().failures, 0U);
}

TEST_F(RetryTest, APostIsNotRepeatedWhenItsIdleConnectionCloses) {
  use({origin.url()});
  origin.always(std::string(kOk));
  run();
  origin.answer_by([](OriginConnection& c) { c.reset(); });
  auto client = run({.method = "POST"});
  ASSERT_TRUE(client->error);
  EXPECT_EQ(client->error->code, ErrorCode::kClosed);
  EXPECT_EQ(origin.connections.size(), 1U);
}

TEST_F(RetryTest, APostDoesNotUseAConnectionThatHasClosedAlready) {
  use({origin.url()});
  origin.always(std::string(kOk));
  run();
  // The close has arrived, but the loop has not yet looked.
  origin.at(0).close();
  auto client = run({.method = "POST"});
  EXPECT_TRUE(client->done);
  EXPECT_EQ(origin.connections.size(), 2U);
}

TEST_F(RetryTest, AGetIsRepeatedWhenAFreshConnectionBreaksBeforeTheHead) {
  use({origin.url()});
  origin.on_bytes = [&](OriginConnection& c) {
    if (origin.connections.size() < 3) return c.reset();
    c.send(kOk);
  };
  auto client = start();
  finish(*client);
  EXPECT_TRUE(client->done);
  EXPECT_EQ(client->fetch->info().attempts, 3U);
  EXPECT_EQ(state().retries, 2U);
  EXPECT_EQ(state().failures, 2U);
}

TEST_F(RetryTest, TheCountOfRetriesIsKept) {
  options.retries = 1;
  use({origin.url()});
  origin.on_bytes = [](OriginConnection& c) { c.reset(); };
  auto client = start();
  finish(*client);
  EXPECT_TRUE(client->error);
  EXPECT_EQ(origin.connections.size(), 2U);
}

TEST_F(RetryTest, NothingIsRepeatedOnceTheHeadIsOut) {
  use({origin.url()});
  origin.on_bytes = [](OriginConnection& c) {
    c.send_and_close("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
  };
  auto client = start();
  finish(*client);
  EXPECT_TRUE(client->error);
  EXPECT_EQ(client->body, "half");
  EXPECT_EQ(origin.connections.size(), 1U);
}

TEST_F(RetryTest, TheBudgetOfTheGroupEndsRetries) {
  options.retries = 1;
  options.breaker_failures = 1'000'000;
  use({origin.url()});
  origin.on_bytes = [](OriginConnection& c) { c.reset(); };
  // Twenty requests, a fifth of them: four retries, of which three are always allowed.
  for (int i = 0; i < 20; ++i) {
    auto client = start();
    ASSERT_TRUE(drive([&] {
      clock.advance_ms(1);
      return client->over();
    }));
  }
  EXPECT_EQ(state().retries, 4U);
  EXPECT_EQ(origin.connections.size(), 24U);
  // Ten seconds later there are three again.
  advance(11'000);
  for (int i = 0; i < 5; ++i) {
    auto client = start();
    ASSERT_TRUE(drive([&] {
      clock.advance_ms(1);
      return client->over();
    }));
  }
  EXPECT_EQ(state().retries, 7U);
}

TEST_F(RetryTest, APutIsRepeatedWhileItsBodyIsStillHeld) {
  use({origin.url()});
  origin.on_bytes = [&](OriginConnection& c) {
    if (!c.received.ends_with("0123456789")) return;
    if (origin.connections.size() == 1) return c.reset();
    c.send(kOk);
  };
  auto client = start({.method = "PUT", .has_body = true, .body_length = 10});
  client->fetch->send_body("01234");
  client->fetch->send_body("56789");
  client->fetch->finish_body();
  finish(*client);
  EXPECT_TRUE(client->done);
  EXPECT_EQ(origin.connections.size(), 2U);
  EXPECT_EQ(origin.at(0).received, origin.at(1).received);
}

TEST_F(RetryTest, ALongPutIsNotRepeated) {
  use({origin.url()});
  const std::string body(1'000'000, 'x');
  auto client = start({.method = "PUT", .has_body = true, .body_length = body.size()});
  ASSERT_TRUE(drive([&] { return origin.connections.size() == 1; }));
  turns();
  client->fetch->send_body(std::string_view(body).substr(0, 500'000));
  ASSERT_TRUE(drive([&] { return origin.at(0).received.size() > 100'000; }));
  origin.at(0).reset();
  finish(*client);
  EXPECT_TRUE(client->error);
  EXPECT_EQ(origin.connections.size(), 1U);
}

TEST_F(RetryTest, ARetryGoesToAnotherTarget) {
  use({origin.url(), other.url()});
  origin.on_bytes = other.on_bytes = [](OriginConnection& c) { c.reset(); };
  options.retries = 1;
  auto client = start();
  finish(*client);
  EXPECT_EQ(origin.connections.size() >= 1U, true);
  EXPECT_EQ(other.connections.size() >= 1U, true);
}

// --- deadlines

TEST_F(RetryTest, NoFirstByteInTime) {
  options.retries = 0;
  use({origin.url()});
  auto client = start();
  ASSERT_TRUE(drive([&] { return origin.heads() == 1; }));
  origin.at(0).send("HTTP/1.1 200");
  advance(options.first_byte_timeout_ms - 100);
  EXPECT_FALSE(client->over());
  advance(200);
  ASSERT_TRUE(client->error);
  EXPECT_EQ(client->error->code, ErrorCode::kTimeout);
  EXPECT_EQ(state().failures, 1U);
}

TEST_F(RetryTest, AHeadThatDripsDoesNotPutTheDeadlineOff) {
  options.retries = 0;
  use({origin.url()});
  auto client = start();
  ASSERT_TRUE(drive([&] { return origin.heads() == 1; }));
  origin.at(0).send("HTTP/1.1 200 OK\r\nA: ");
  for (int i = 0; i < 40 && !client->over(); ++i) {
    origin.at(0).send("b");
    advance(1000);
  }
  ASSERT_TRUE(client->error);
  EXPECT_EQ(client->error->code, ErrorCode::kTimeout);
}

TEST_F(RetryTest, SilenceInsideABody) {
  use({origin.url()});
  auto client = start();
  ASSERT_TRUE(drive([&] { return origin.heads() == 1; }));
  origin.at(0).send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\na");
  ASSERT_TRUE(drive([&] { return client->saw("body"); }));
  for (int i = 0; i < 5; ++i) {
    advance(options.between_bytes_timeout_ms - 1000);
    origin.at(0).send("b");
    turns();
  }
  EXPECT_FALSE(client->over());
  advance(options.between_bytes_timeout_ms + 100);
  ASSERT_TRUE(client->error);
  EXPECT_EQ(client->error->code, ErrorCode::kTimeout);
  EXPECT_EQ(client->body, "abbbbb");
}

TEST_F(RetryTest, TheTotalDeadlineEndsEverything) {
  options.total_timeout_ms = 50'000;
  use({origin.url()});
  auto client = start();
  ASSERT_TRUE(drive([&] { return origin.heads() == 1; }));
  origin.at(0).send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\na");
  for (int i = 0; i < 49; ++i) {
    advance(1000);
    origin.at(0).send("b");
  }
  EXPECT_FALSE(client->over());
  advance(1100);
  ASSERT_TRUE(client->error);
  EXPECT_EQ(client->error->code, ErrorCode::kTimeout);
  turns();
  EXPECT_TRUE(origin.at(0).ended);
}

TEST_F(RetryTest, AnUploadThatTheOriginDoesNotTake) {
  options.retries = 0;
  use({origin.url()});
  auto client = start({.method = "POST", .has_body = true});
  ASSERT_TRUE(drive([&] { return origin.heads() == 1; }));
  origin.at(0).deafen(true);
  while (client->fetch->writable()) {
    client->fetch->send_body(std::string(65536, 'x'));
    turns(2);
  }
  advance(options.between_bytes_timeout_ms - 100);
  EXPECT_FALSE(client->over());
  advance(200);
  ASSERT_TRUE(client->error);
  EXPECT_EQ(client->error->code, ErrorCode::kTimeout);
}

TEST_F(RetryTest, WhileTheRequestsBodyIsAwaitedTheOriginOwesNothing) {
  use({origin.url()});
  auto client = start({.method = "POST", .has_body = true, .body_length = 2});
  ASSERT_TRUE(drive([&] { return origin.heads() == 1; }));
  advance(10 * options.first_byte_timeout_ms);
  EXPECT_FALSE(client->over());
  client->fetch->send_body("ab");
  client->fetch->finish_body();
  advance(options.first_byte_timeout_ms + 100);
  EXPECT_TRUE(client->error);
}

}  // namespace
}  // namespace meridian::upstream::test
