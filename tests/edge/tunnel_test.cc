#include "edge/tunnel.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "lib/net/memory_stream.h"

namespace meridian::edge {
namespace {

struct TunnelTest : testing::Test {
  struct Peer final : StreamHandler {
    void on_readable() override {
      char buffer[4096];
      for (;;) {
        const IoResult in = stream->read(buffer, sizeof(buffer));
        if (in.kind == IoResult::Kind::kOk) {
          got.append(buffer, in.bytes);
          continue;
        }
        eof = eof || in.kind == IoResult::Kind::kEof;
        failed = failed || in.kind == IoResult::Kind::kError;
        if (eof || failed) stream->want(false, false);
        return;
      }
    }
    void on_writable() override { send(); }
    void send() {
      while (!to_send.empty()) {
        iovec part{to_send.data(), to_send.size()};
        const IoResult out = stream->write(&part, 1);
        if (out.kind != IoResult::Kind::kOk) break;
        to_send.erase(0, out.bytes);
      }
      stream->want(true, !to_send.empty());
    }
    std::unique_ptr<Stream> stream;
    std::string got, to_send;
    bool eof = false, failed = false;
  };

  TunnelTest() {
    auto [client_far, client_near] = memory_stream_pair(*loop, 8192);
    auto [origin_far, origin_near] = memory_stream_pair(*loop, 8192);
    client.stream = std::move(client_far);
    origin.stream = std::move(origin_far);
    client.stream->set_handler(&client);
    origin.stream->set_handler(&origin);
    client.stream->want(true, false);
    origin.stream->want(true, false);
    near_client = std::move(client_near);
    near_origin = std::move(origin_near);
  }
  void open(std::string_view from_client = {}, std::string_view from_origin = {}) {
    tunnel = std::make_unique<Tunnel>(
        *loop, Tunnel::Options{}, std::move(near_client), Slice::copy_of(from_client), std::move(near_origin),
        Slice::copy_of(from_origin), [this](Tunnel&, std::uint64_t up, std::uint64_t down) {
          ended = {up, down};
          tunnel.reset();
        });
  }
  void turn(int times = 200) {
    for (int i = 0; i < times; ++i) loop->run_once();
  }

  std::unique_ptr<EventLoop> loop = *EventLoop::create();
  Peer client, origin;
  std::unique_ptr<Stream> near_client, near_origin;
  std::unique_ptr<Tunnel> tunnel;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> ended;
};

TEST_F(TunnelTest, EarlyBytesAndLaterOnesArriveInOrder) {
  open("hello ", "welcome ");
  client.to_send = "origin";
  client.send();
  origin.to_send = "client";
  origin.send();
  turn();
  EXPECT_EQ(origin.got, "hello origin");
  EXPECT_EQ(client.got, "welcome client");
}

TEST_F(TunnelTest, MuchDataBothWaysThroughSmallWindows) {
  open();
  std::string up(300'000, 'u'), down(500'000, 'd');
  client.to_send = up;
  origin.to_send = down;
  client.send();
  origin.send();
  turn(2000);
  EXPECT_EQ(origin.got, up);
  EXPECT_EQ(client.got, down);
}

TEST_F(TunnelTest, AHalfCloseIsPassedOnAndTheOtherWayGoesOn) {
  open();
  client.to_send = "last words";
  client.send();
  client.stream->shutdown_write();
  turn();
  EXPECT_EQ(origin.got, "last words");
  EXPECT_TRUE(origin.eof);
  EXPECT_FALSE(ended);
  origin.to_send = "answer";
  origin.send();
  turn();
  EXPECT_EQ(client.got, "answer");
  origin.stream->shutdown_write();
  turn();
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->first, 10U);
  EXPECT_EQ(ended->second, 6U);
}

TEST_F(TunnelTest, CutEndsBothSides) {
  open();
  tunnel->cut();
  turn();
  EXPECT_TRUE(ended);
  EXPECT_TRUE(client.failed || client.eof);
  EXPECT_TRUE(origin.failed || origin.eof);
}

}  // namespace
}  // namespace meridian::edge
