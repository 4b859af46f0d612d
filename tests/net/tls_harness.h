#pragma once

#include <memory>
#include <optional>
#include <string>

#include "lib/net/connect.h"
#include "lib/net/listener.h"
#include "lib/net/tls.h"
#include "tests/net/certificates.h"
#include "tests/net/harness.h"

namespace meridian::test {

// A TLS listener and clients of it on one loop. The server's certificate is for www.example.test and
// 127.0.0.1.
class TlsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    certificates_ = new Certificates;
    certificates_->issue("server", "DNS:www.example.test,IP:127.0.0.1");
  }
  static void TearDownTestSuite() {
    delete certificates_;
    certificates_ = nullptr;
  }
  static std::string path(const std::string& file) { return certificates_->path(file); }

  TlsServerOptions server_options(const std::string& name = "server") const {
    TlsServerOptions options;
    options.certificate_file = path(name + ".pem");
    options.key_file = path(name + ".key");
    return options;
  }
  TlsClientOptions client_options() const {
    TlsClientOptions options;
    options.ca_file = path("ca.pem");
    return options;
  }

  void listen(const TlsServerOptions& options) {
    server_context_ = TlsServerContext::create(options, ticket_clock_).value();
    listener_.reset();
    listener_.emplace(*loop_, socket_, server_context_,
                      [this](std::unique_ptr<Stream> s) { server_.take(std::move(s)); });
  }

  void trust(const TlsClientOptions& options) { client_context_ = TlsClientContext::create(options).value(); }

  // Connects, waits for the outcome, and keeps the stream.
  Result<void> dial(const std::string& name = "www.example.test", std::int64_t timeout_ms = 30'000) {
    return dial_to(socket_.address(), name, timeout_ms);
  }
  Result<void> dial_to(const SocketAddress& address, const std::string& name = "www.example.test",
                       std::int64_t timeout_ms = 30'000) {
    ConnectOptions options;
    options.tls = client_context_;
    options.server_name = name;
    options.timeout_ms = timeout_ms;
    std::optional<Result<void>> outcome;
    auto operation = connect(*loop_, address, options, [&](Result<std::unique_ptr<Stream>> stream) {
      if (stream) {
        client_.take(std::move(*stream));
        outcome.emplace();
      } else {
        outcome.emplace(Failure(stream.error()));
      }
    });
    EXPECT_TRUE(drive(*loop_, [&] { return outcome.has_value(); }));
    return outcome.value_or(fail(ErrorCode::kTimeout, ErrorSource::kEdge, "the test gave up"));
  }

  // Sends both ways, which also brings the client its session ticket.
  void exchange(const std::string& question = "question", const std::string& answer = "answer") {
    client_.send(question);
    ASSERT_TRUE(drive(*loop_, [&] { return server_.received().ends_with(question); }));
    server_.send(answer);
    ASSERT_TRUE(drive(*loop_, [&] { return client_.received().ends_with(answer); }));
  }

  void open() {
    listen(server_options());
    trust(client_options());
    const Result<void> dialled = dial();
    ASSERT_TRUE(dialled) << dialled.error().context;
  }

  static inline Certificates* certificates_ = nullptr;
  ManualClock ticket_clock_;
  std::unique_ptr<EventLoop> loop_ = make_loop();
  ListenSocket socket_ = ListenSocket::open(SocketAddress::parse("127.0.0.1:0").value()).value();
  std::shared_ptr<TlsServerContext> server_context_;
  std::shared_ptr<TlsClientContext> client_context_;
  std::optional<Listener> listener_;
  Peer server_;
  Peer client_;
};

}  // namespace meridian::test
