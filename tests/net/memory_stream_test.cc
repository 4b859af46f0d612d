#include "lib/net/memory_stream.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "tests/net/harness.h"

namespace meridian {
namespace {

using test::drive;
using test::make_loop;
using test::pattern;
using test::Peer;

class MemoryStreamTest : public testing::Test {
 protected:
  void open(std::size_t window_bytes = 65536) {
    auto [a, b] = memory_stream_pair(*loop_, window_bytes);
    a_.take(std::move(a));
    b_.take(std::move(b));
  }
  std::unique_ptr<EventLoop> loop_ = make_loop();
  Peer a_;
  Peer b_;
};

TEST_F(MemoryStreamTest, CarriesBothWays) {
  open();
  a_.send("question");
  b_.send("answer");
  loop_->run_once();
  EXPECT_EQ(b_.received(), "question");
  EXPECT_EQ(a_.received(), "answer");
  EXPECT_EQ(a_.stream().peer(), b_.stream().local());
  EXPECT_EQ(a_.stream().fd(), -1);
  EXPECT_EQ(a_.stream().tls(), nullptr);
}

TEST_F(MemoryStreamTest, WindowHoldsTheWriterBack) {
  open(100);
  b_.stream().want(false, false);
  const std::string sent = pattern(1000);
  a_.send(sent);
  loop_->run_once();
  EXPECT_FALSE(a_.sent_all());
  b_.stream().want(true, false);
  EXPECT_TRUE(drive(*loop_, [&] { return b_.received().size() == sent.size(); }));
  EXPECT_EQ(b_.received(), sent);
  EXPECT_TRUE(a_.sent_all());
}

TEST_F(MemoryStreamTest, ReadinessLastsUntilRead) {
  open();
  struct Lazy final : StreamHandler {
    void on_readable() override { ++told; }
    void on_writable() override {}
    int told = 0;
  } lazy;
  b_.stream().set_handler(&lazy);
  a_.send("x");
  for (int i = 0; i < 3; ++i) loop_->run_once();
  EXPECT_EQ(lazy.told, 3);
}

TEST_F(MemoryStreamTest, EndComesAfterTheBytes) {
  open();
  a_.send("last");
  a_.stream().shutdown_write();
  EXPECT_TRUE(drive(*loop_, [&] { return b_.ended(); }));
  EXPECT_EQ(b_.received(), "last");
  b_.send("still open this way");
  loop_->run_once();
  EXPECT_EQ(a_.received(), "still open this way");
}

TEST_F(MemoryStreamTest, DestroyedPeerIsAnEndToReadAndAnErrorToWrite) {
  open();
  a_.send("last");
  a_.drop();
  EXPECT_TRUE(drive(*loop_, [&] { return b_.ended(); }));
  EXPECT_EQ(b_.received(), "last");
  b_.send("x");
  EXPECT_TRUE(b_.failed());
  EXPECT_EQ(b_.last().error, EPIPE);
}

TEST_F(MemoryStreamTest, ResetIsAnErrorAndLosesWhatWasUnderWay) {
  open();
  a_.send("lost");
  a_.stream().reset_on_close();
  a_.drop();
  EXPECT_TRUE(drive(*loop_, [&] { return b_.failed(); }));
  EXPECT_EQ(b_.last().error, ECONNRESET);
  EXPECT_EQ(b_.received(), "");
}

TEST_F(MemoryStreamTest, StaleWhenThePeerSentOrLeft) {
  open();
  EXPECT_FALSE(a_.stream().stale());
  b_.send("x");
  EXPECT_TRUE(a_.stream().stale());
  loop_->run_once();
  EXPECT_FALSE(a_.stream().stale());
  b_.drop();
  EXPECT_TRUE(a_.stream().stale());
}

TEST_F(MemoryStreamTest, HandlerMayDestroyItsStream) {
  open();
  struct Suicide final : StreamHandler {
    void on_readable() override { peer->drop(); }
    void on_writable() override { FAIL() << "told after it was destroyed"; }
    Peer* peer = nullptr;
  } handler;
  handler.peer = &b_;
  b_.stream().set_handler(&handler);
  b_.stream().want(true, true);
  a_.send("x");
  EXPECT_TRUE(drive(*loop_, [&] { return a_.ended(); }));
}

}  // namespace
}  // namespace meridian
