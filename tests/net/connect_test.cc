#include "lib/net/connect.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <optional>

#include "lib/net/listener.h"
#include "tests/net/harness.h"
#include "tests/net/tls_harness.h"

namespace meridian {
namespace {

using test::drive;
using test::make_loop;
using test::Peer;

ListenSocket listen_on_loopback(int backlog = 16) {
  return ListenSocket::open(SocketAddress::parse("127.0.0.1:0").value(), backlog).value();
}

class ConnectTest : public testing::Test {
 protected:
  using Outcome = std::optional<Result<std::unique_ptr<Stream>>>;
  std::unique_ptr<Operation> dial(const SocketAddress& address, Outcome& outcome,
                                  ConnectOptions options = {}) {
    return connect(*loop_, address, options, [&](auto result) { outcome = std::move(result); });
  }
  ManualClock clock_;
  std::unique_ptr<EventLoop> loop_ = make_loop(clock_);
};

TEST_F(ConnectTest, GivesAStream) {
  const ListenSocket socket = listen_on_loopback();
  Peer server;
  Listener listener(*loop_, socket, nullptr, [&](auto stream) { server.take(std::move(stream)); });
  Outcome outcome;
  const auto operation = dial(socket.address(), outcome);
  EXPECT_FALSE(outcome.has_value());
  ASSERT_TRUE(drive(*loop_, [&] { return outcome.has_value() && server.connected(); }));
  ASSERT_TRUE(*outcome);
  EXPECT_EQ(outcome->value()->peer(), socket.address());
  Peer client(std::move(outcome->value()));
  client.send("hello");
  EXPECT_TRUE(drive(*loop_, [&] { return server.received() == "hello"; }));
}

TEST_F(ConnectTest, RefusalSaysWhere) {
  SocketAddress address;
  {
    const ListenSocket gone = listen_on_loopback();
    address = gone.address();
  }
  Outcome outcome;
  const auto operation = dial(address, outcome);
  EXPECT_FALSE(outcome.has_value()) << "called inside connect()";
  ASSERT_TRUE(drive(*loop_, [&] { return outcome.has_value(); }));
  ASSERT_FALSE(*outcome);
  const Error& error = outcome->error();
  EXPECT_EQ(error.code, ErrorCode::kRefused);
  EXPECT_EQ(error.source, ErrorSource::kOrigin);
  EXPECT_TRUE(error.retryable);
  EXPECT_EQ(error.context, "cannot connect to " + address.to_string() + ": Connection refused");
}

TEST_F(ConnectTest, AFailureKnownAtOnceIsToldSoon) {
  Outcome outcome;
  const auto operation = dial(SocketAddress::parse("255.255.255.255:80").value(), outcome);
  EXPECT_FALSE(outcome.has_value());
  loop_->run_once();
  ASSERT_TRUE(outcome.has_value());
  EXPECT_FALSE(*outcome);
}

TEST_F(ConnectTest, NoAddressAtAllIsAFailure) {
  Outcome outcome;
  const auto operation = dial(SocketAddress(), outcome);
  loop_->run_once();
  ASSERT_TRUE(outcome.has_value());
  EXPECT_FALSE(*outcome);
}

TEST_F(ConnectTest, DroppingTheOperationSilencesIt) {
  const ListenSocket socket = listen_on_loopback();
  Peer server;
  Listener listener(*loop_, socket, nullptr, [&](auto stream) { server.take(std::move(stream)); });
  Outcome outcome;
  auto operation = dial(socket.address(), outcome);
  operation.reset();
  ASSERT_TRUE(drive(*loop_, [&] { return server.connected() && server.ended(); }));
  EXPECT_FALSE(outcome.has_value());
}

TEST_F(ConnectTest, TheCallMayDestroyTheOperation) {
  const ListenSocket socket = listen_on_loopback();
  std::unique_ptr<Operation> operation;
  bool done = false;
  operation = connect(*loop_, socket.address(), {}, [&](auto) {
    operation.reset();
    done = true;
  });
  EXPECT_TRUE(drive(*loop_, [&] { return done; }));
}

// The kernel completes the TCP connection, and nobody answers the handshake.
TEST_F(ConnectTest, TheDeadlineCoversTheTlsHandshake) {
  const ListenSocket silent = listen_on_loopback();
  ConnectOptions options;
  TlsClientOptions tls;
  tls.verify = false;
  options.tls = TlsClientContext::create(tls).value();
  options.server_name = "www.example.test";
  Outcome outcome;
  const auto operation = dial(silent.address(), outcome, options);
  for (int i = 0; i < 20; ++i) loop_->run_once();
  EXPECT_FALSE(outcome.has_value());
  clock_.advance_ms(options.timeout_ms + 10);
  loop_->run_once();
  ASSERT_TRUE(outcome.has_value());
  ASSERT_FALSE(*outcome);
  EXPECT_EQ(outcome->error().code, ErrorCode::kTimeout);
  EXPECT_EQ(outcome->error().context, "no end of the TLS handshake with www.example.test (" +
                                          silent.address().to_string() + ") within 3000 ms");
}

using ConnectTlsTest = test::TlsTest;

TEST_F(ConnectTlsTest, AServerThatSpeaksNoTlsIsAFailureInWords) {
  trust(client_options());
  listener_.emplace(*loop_, socket_, nullptr, [this](std::unique_ptr<Stream> s) {
    server_.take(std::move(s));
    server_.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  const auto result = dial();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kTls);
  EXPECT_NE(result.error().context.find("wrong version number"), std::string::npos) << result.error().context;
}

TEST_F(ConnectTlsTest, AServerThatLeavesInTheHandshakeIsAFailure) {
  trust(client_options());
  listener_.emplace(*loop_, socket_, nullptr, [](std::unique_ptr<Stream>) {});
  const auto result = dial();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kTls);
}

// openssl s_server takes one connection, refuses a client without a certificate, and sends each line back
// reversed.
class AskingServer {
 public:
  explicit AskingServer(const test::Certificates& certificates) {
    const std::string command =
        "cd '" + certificates.path("") +
        "' && exec openssl s_server -accept 127.0.0.1:0 -naccept 1 -rev -cert server.pem -key server.key "
        "-CAfile ca.pem -Verify 1 -verify_return_error 2>&1 </dev/null";
    output_ = ::popen(command.c_str(), "r");
    constexpr std::string_view kAccept = "ACCEPT ";
    for (std::string line = read_line(); !line.empty(); line = read_line()) {
      if (line.starts_with(kAccept)) {
        address_ =
            SocketAddress::parse(line.substr(kAccept.size(), line.size() - kAccept.size() - 1)).value();
        return;
      }
    }
  }
  ~AskingServer() { ::pclose(output_); }
  const SocketAddress& address() const { return address_; }

 private:
  std::string read_line() {
    char line[512];
    return ::fgets(line, sizeof line, output_) != nullptr ? line : "";
  }
  FILE* output_;
  SocketAddress address_;
};

TEST_F(ConnectTlsTest, TheClientsCertificateReachesAServerThatAsks) {
  certificates_->issue("client", "DNS:client.example.test");
  for (const bool with_certificate : {true, false}) {
    AskingServer server(*certificates_);
    ASSERT_TRUE(server.address().valid());
    auto options = client_options();
    if (with_certificate) {
      options.certificate_file = path("client.pem");
      options.key_file = path("client.key");
    }
    trust(options);
    const Result<void> dialled = dial_to(server.address());
    ASSERT_TRUE(dialled) << dialled.error().context;
    client_.send("certain\n");
    ASSERT_TRUE(drive(*loop_, [&] { return !client_.received().empty() || client_.failed(); }));
    EXPECT_EQ(client_.received(), with_certificate ? "niatrec\n" : "");
    EXPECT_EQ(client_.failed(), !with_certificate) << client_.stream().failure();
    client_.drop();
  }
}

TEST_F(ConnectTlsTest, AClientKeyOfAnotherCertificateIsRefused) {
  certificates_->issue("client", "DNS:client.example.test");
  auto options = client_options();
  options.certificate_file = path("client.pem");
  options.key_file = path("server.key");
  const auto mismatch = TlsClientContext::create(options);
  ASSERT_FALSE(mismatch);
  EXPECT_NE(mismatch.error().context.find("does not belong to"), std::string::npos);
}

}  // namespace
}  // namespace meridian
