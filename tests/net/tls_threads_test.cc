#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/net/tls_harness.h"

namespace meridian {
namespace {

using test::drive;
using test::make_loop;
using test::Peer;

using TlsThreadsTest = test::TlsTest;

// One worker: a loop of its own, with a listener and its clients on it.
void serve_and_dial(const std::shared_ptr<TlsServerContext>& server_context,
                    const std::shared_ptr<TlsClientContext>& client_context, int rounds,
                    std::atomic<int>& resumed) {
  auto loop = make_loop();
  const ListenSocket socket = ListenSocket::open(SocketAddress::parse("127.0.0.1:0").value()).value();
  Peer server;
  Peer client;
  const Listener listener(*loop, socket, server_context,
                          [&](auto stream) { server.take(std::move(stream)); });
  ConnectOptions options;
  options.tls = client_context;
  options.server_name = "www.example.test";
  options.timeout_ms = 30'000;
  for (int i = 0; i < rounds; ++i) {
    std::optional<Result<std::unique_ptr<Stream>>> outcome;
    const auto operation =
        connect(*loop, socket.address(), options, [&](auto result) { outcome = std::move(result); });
    ASSERT_TRUE(drive(*loop, [&] { return outcome.has_value(); }));
    ASSERT_TRUE(*outcome) << outcome->error().context;
    client.take(std::move(outcome->value()));
    client.send("question");
    ASSERT_TRUE(drive(*loop, [&] { return server.connected() && server.received() == "question"; }));
    server.send("answer");
    ASSERT_TRUE(drive(*loop, [&] { return client.received() == "answer"; }));
    resumed += server.stream().tls()->resumed ? 1 : 0;
  }
}

// Workers share both contexts, one resumes what another began, and the certificate is reloaded under them.
TEST_F(TlsThreadsTest, WorkersShareContextsThatAreReloaded) {
  const auto server_context = TlsServerContext::create(server_options()).value();
  const auto client_context = TlsClientContext::create(client_options()).value();
  constexpr int kWorkers = 3;
  constexpr int kRounds = 8;
  std::atomic<int> resumed{0};
  std::atomic<int> running{kWorkers};
  std::vector<std::thread> workers;
  for (int i = 0; i < kWorkers; ++i) {
    workers.emplace_back([&] {
      serve_and_dial(server_context, client_context, kRounds, resumed);
      --running;
    });
  }
  while (running > 0) {
    const auto reloaded = server_context->reload();
    EXPECT_TRUE(reloaded);
  }
  for (auto& worker : workers) worker.join();
  // Which handshakes find a session depends on the order of things, but each worker's own are enough for all
  // but its first.
  EXPECT_GE(resumed, kWorkers * (kRounds - 1));
}

}  // namespace
}  // namespace meridian
