#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "lib/net/record_source.h"
#include "lib/net/tcp_stream.h"
#include "tests/net/tls_harness.h"

namespace meridian {
namespace {

using test::drive;
using test::pattern;
using test::Peer;

class TlsStreamTest : public test::TlsTest {
 protected:
  // A TCP client in place of a TLS one.
  void dial_plain() {
    std::optional<Result<std::unique_ptr<Stream>>> stream;
    auto operation = connect(*loop_, socket_.address(), {}, [&](auto result) { stream = std::move(result); });
    ASSERT_TRUE(drive(*loop_, [&] { return stream.has_value(); }));
    client_.take(std::move(stream->value()));
  }
  static void shrink_buffer(const Stream& stream) {
    const int bytes = 4096;
    ASSERT_EQ(::setsockopt(stream.fd(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), 0);
  }
};

TEST_F(TlsStreamTest, CarriesBothWays) {
  open();
  exchange();
  EXPECT_EQ(server_.stream().peer(), client_.stream().local());
  EXPECT_EQ(server_.stream().failure(), "");
}

TEST_F(TlsStreamTest, LargeTransferSurvivesFullBuffers) {
  open();
  exchange();
  shrink_buffer(server_.stream());
  shrink_buffer(client_.stream());
  const std::string sent = pattern(3 << 20);
  server_.send(sent);
  client_.send(sent);
  EXPECT_FALSE(server_.sent_all());
  ASSERT_TRUE(drive(*loop_, [&] {
    return client_.received().size() >= sent.size() + 6 && server_.received().size() >= sent.size() + 8;
  }));
  EXPECT_TRUE(client_.received() == "answer" + sent);
  EXPECT_TRUE(server_.received() == "question" + sent);
}

// What was refused is offered again with more behind it, from another place, cut in another way.
TEST_F(TlsStreamTest, ARefusedRecordMayComeAgainMovedGrownAndCutAnew) {
  open();
  exchange();
  shrink_buffer(server_.stream());
  client_.stream().want(false, false);
  const std::string sent = pattern(600'000);
  std::size_t done = 0;
  std::size_t refusals = 0;
  unsigned state = 1;
  const auto next = [&](std::size_t below) { return (state = state * 1664525 + 1013904223) / 65536 % below; };
  while (done < sent.size()) {
    const std::vector<char> moved(sent.begin() + static_cast<std::ptrdiff_t>(done), sent.end());
    std::vector<iovec> parts;
    std::size_t offered = 0;
    while (offered < moved.size() && parts.size() < 40) {
      const std::size_t size = std::min(moved.size() - offered, next(3) == 0 ? next(40'000) : next(900));
      parts.push_back({const_cast<char*>(moved.data()) + offered, size});
      offered += size;
    }
    if (offered < moved.size())
      parts.push_back({const_cast<char*>(moved.data()) + offered, moved.size() - offered});
    const IoResult result = server_.stream().write(parts.data(), static_cast<int>(parts.size()));
    ASSERT_NE(result.kind, IoResult::Kind::kError) << server_.stream().failure();
    done += result.bytes;
    if (result.kind == IoResult::Kind::kWouldBlock) ++refusals;
    if (done < sent.size()) {
      client_.on_readable();
      loop_->run_once();
    }
  }
  client_.stream().want(true, false);
  ASSERT_TRUE(drive(*loop_, [&] { return client_.received().size() >= sent.size() + 6; }));
  EXPECT_TRUE(client_.received() == "answer" + sent);
  EXPECT_GT(refusals, 0u) << "nothing was refused: this test no longer tests what it says";
}

// A handler that takes little at a time is called again for what OpenSSL holds, though the socket is silent.
TEST_F(TlsStreamTest, ReadinessLastsWhileOpenSslHoldsBytes) {
  open();
  exchange();
  struct Sipper final : StreamHandler {
    void on_readable() override {
      char buffer[7];
      const IoResult result = stream->read(buffer, sizeof buffer);
      if (result.kind == IoResult::Kind::kOk) received.append(buffer, result.bytes);
    }
    void on_writable() override {}
    Stream* stream = nullptr;
    std::string received;
  } sipper;
  sipper.stream = &server_.stream();
  server_.stream().set_handler(&sipper);
  const std::string sent = pattern(20'000);
  client_.send(sent);
  ASSERT_TRUE(drive(*loop_, [&] { return sipper.received.size() >= sent.size(); }));
  EXPECT_EQ(sipper.received, sent);
}

TEST_F(TlsStreamTest, APauseLosesNothingThatOpenSslHolds) {
  open();
  exchange();
  client_.send("first");
  ASSERT_TRUE(drive(*loop_, [&] { return server_.stream().stale(); }));
  server_.stream().want(false, false);
  for (int i = 0; i < 5; ++i) loop_->run_once();
  EXPECT_EQ(server_.received(), "question");
  server_.stream().want(true, false);
  EXPECT_TRUE(drive(*loop_, [&] { return server_.received() == "questionfirst"; }));
}

TEST_F(TlsStreamTest, CloseNotifyIsAnEndAndLeavesTheOtherWayOpen) {
  open();
  exchange();
  server_.send("last");
  server_.stream().shutdown_write();
  ASSERT_TRUE(drive(*loop_, [&] { return client_.ended(); }));
  EXPECT_EQ(client_.received(), "answerlast");
  client_.send("still open");
  EXPECT_TRUE(drive(*loop_, [&] { return server_.received() == "questionstill open"; }));
  const iovec part{const_cast<char*>("x"), 1};
  EXPECT_EQ(server_.stream().write(&part, 1).error, EPIPE);
}

TEST_F(TlsStreamTest, DestroyingEndsTheStreamInGoodOrder) {
  open();
  exchange();
  server_.drop();
  EXPECT_TRUE(drive(*loop_, [&] { return client_.ended(); }));
}

// RFC 8446 section 6.1: an end without close_notify is a truncation.
TEST_F(TlsStreamTest, AnEndWithoutCloseNotifyIsAnError) {
  open();
  exchange();
  ::shutdown(server_.stream().fd(), SHUT_WR);
  ASSERT_TRUE(drive(*loop_, [&] { return client_.failed() || client_.ended(); }));
  EXPECT_TRUE(client_.failed());
  EXPECT_EQ(client_.last().error, EPROTO);
  EXPECT_NE(client_.stream().failure().find("unexpected eof"), std::string_view::npos)
      << client_.stream().failure();
}

TEST_F(TlsStreamTest, ResetOnCloseIsAnError) {
  open();
  exchange();
  server_.stream().reset_on_close();
  server_.drop();
  ASSERT_TRUE(drive(*loop_, [&] { return client_.failed() || client_.ended(); }));
  EXPECT_TRUE(client_.failed());
  EXPECT_EQ(client_.last().error, ECONNRESET);
}

TEST_F(TlsStreamTest, ATamperedRecordIsAnError) {
  open();
  exchange();
  const unsigned char record[] = {23, 3,  3,  0,  20, 1,  2,  3,  4,  5,  6,  7, 8,
                                  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
  ASSERT_EQ(::write(client_.stream().fd(), record, sizeof record), static_cast<ssize_t>(sizeof record));
  ASSERT_TRUE(drive(*loop_, [&] { return server_.failed(); }));
  EXPECT_EQ(server_.last().error, EPROTO);
  EXPECT_EQ(server_.received(), "question");
}

TEST_F(TlsStreamTest, APlainClientFailsTheHandshake) {
  listen(server_options());
  dial_plain();
  client_.send("GET / HTTP/1.1\r\nHost: www.example.test\r\n\r\n");
  ASSERT_TRUE(drive(*loop_, [&] { return server_.connected() && server_.failed(); }));
  EXPECT_EQ(server_.stream().failure(), "http request");
}

TEST_F(TlsStreamTest, AClientThatLeavesInTheHandshakeFailsIt) {
  listen(server_options());
  dial_plain();
  ASSERT_TRUE(drive(*loop_, [&] { return server_.connected(); }));
  EXPECT_FALSE(server_.failed());
  client_.drop();
  EXPECT_TRUE(drive(*loop_, [&] { return server_.failed(); }));
}

// Nobody listens to the stream while it fails; whoever comes later learns of it.
TEST_F(TlsStreamTest, AFailureWaitsForAHandler) {
  listen(server_options());
  dial_plain();
  ASSERT_TRUE(drive(*loop_, [&] { return server_.connected(); }));
  server_.stream().want(false, false);
  client_.send("no TLS at all");
  for (int i = 0; i < 20; ++i) loop_->run_once();
  EXPECT_FALSE(server_.failed());
  server_.stream().want(false, true);
  server_.stream().want(true, false);
  EXPECT_TRUE(drive(*loop_, [&] { return server_.failed(); }));
}

TEST_F(TlsStreamTest, HandlerMayDestroyItsStreamInEveryCall) {
  struct Suicide final : StreamHandler {
    void on_readable() override { peer->drop(); }
    void on_writable() override { peer->drop(); }
    Peer* peer = nullptr;
  } handler;
  handler.peer = &server_;
  for (const bool writable : {false, true}) {
    open();
    exchange();
    server_.stream().set_handler(&handler);
    server_.stream().want(!writable, writable);
    client_.send("x");
    EXPECT_TRUE(drive(*loop_, [&] { return !server_.connected(); }));
    EXPECT_TRUE(drive(*loop_, [&] { return client_.ended() || client_.failed(); }));
  }
}

TEST_F(TlsStreamTest, TicketsDoNotMakeAConnectionStale) {
  open();
  client_.stream().want(false, false);
  server_.send("");
  for (int i = 0; i < 20; ++i) loop_->run_once();
  EXPECT_FALSE(client_.stream().stale());
  server_.send("unasked");
  EXPECT_TRUE(drive(*loop_, [&] { return client_.stream().stale(); }));
  client_.stream().want(true, false);
  ASSERT_TRUE(drive(*loop_, [&] { return client_.received() == "unasked"; }));
  client_.stream().want(false, false);
  EXPECT_FALSE(client_.stream().stale());
  server_.drop();
  EXPECT_TRUE(drive(*loop_, [&] { return client_.stream().stale(); }));
}

TEST(RecordSourceTest, GathersSmallPartsAndTakesLargeOnesWhereTheyLie) {
  constexpr std::size_t kFull = RecordSource::kRecordBytes;
  const std::string head = pattern(300);
  const std::string body = pattern(2 * kFull + 1000);
  std::vector<char> scratch(kFull);
  const iovec parts[] = {{const_cast<char*>(head.data()), head.size()},
                         {nullptr, 0},
                         {const_cast<char*>(body.data()), body.size()}};
  RecordSource source(parts, 3, scratch.data());
  const auto first = source.peek(0);
  EXPECT_EQ(first.data, scratch.data());
  EXPECT_EQ(first.size, 1300u);
  source.take(first.size);
  const auto second = source.peek(0);
  EXPECT_EQ(second.data, body.data() + 1000);
  EXPECT_EQ(second.size, kFull);
  source.take(second.size);
  EXPECT_EQ(source.peek(0).size, kFull);
  source.take(kFull);
  EXPECT_EQ(source.peek(0).size, 0u);
}

TEST(RecordSourceTest, OffersNoLessThanItIsAskedFor) {
  const std::string bytes = pattern(40'000);
  std::vector<char> scratch(RecordSource::kRecordBytes);
  const iovec parts[] = {{const_cast<char*>(bytes.data()), 100},
                         {const_cast<char*>(bytes.data()) + 100, 2 * RecordSource::kRecordBytes + 10}};
  EXPECT_EQ(RecordSource(parts, 2, scratch.data()).peek(0).size, 110u);
  const auto record = RecordSource(parts, 2, scratch.data()).peek(5000);
  ASSERT_GE(record.size, 5000u);
  EXPECT_EQ(std::memcmp(record.data, bytes.data(), record.size), 0);
}

}  // namespace
}  // namespace meridian
