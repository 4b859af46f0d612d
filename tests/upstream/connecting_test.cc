#include "tests/net/certificates.h"
#include "tests/upstream/harness.h"

// From a target's name to a connection: several addresses, deadlines, TLS.
namespace meridian::upstream::test {
namespace {

class ConnectingTest : public UpstreamTest {
 protected:
  void SetUp() override { options.retries = 0; }
  SocketAddress at(const std::string& ip, std::uint16_t port = 0) {
    return SocketAddress::from_ip(ip, port).value();
  }
  ScriptedOrigin origin{*loop};
};

TEST_F(ConnectingTest, AddressesAreTriedInOrder) {
  // Nobody listens at 127.0.0.2 and .3.
  resolver.names["app.test"] = {at("127.0.0.2"), at("127.0.0.3"), at("127.0.0.1")};
  use({origin.url("app.test")});
  origin.always(std::string(kOk));
  auto client = run({.method = "POST", .authority = ""});
  EXPECT_TRUE(client->done) << (client->error ? client->error->context : "");
  EXPECT_EQ(client->fetch->info().attempts, 1U) << "one attempt, whatever it takes";
  EXPECT_NE(origin.at(0).received.find("Host: app.test:" + std::to_string(origin.port())), std::string::npos);
}

TEST_F(ConnectingTest, TheLastAddressesErrorIsTold) {
  resolver.names["app.test"] = {at("127.0.0.2"), at("127.0.0.3")};
  use({origin.url("app.test")});
  auto client = run();
  ASSERT_TRUE(client->error);
  EXPECT_EQ(client->error->code, ErrorCode::kRefused);
  EXPECT_NE(client->error->context.find("127.0.0.3"), std::string::npos) << client->error->context;
}

TEST_F(ConnectingTest, NamesAreAskedForEachConnection) {
  resolver.names["app.test"] = {at("127.0.0.1")};
  use({origin.url("app.test")});
  origin.always("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  run();
  run();
  EXPECT_EQ(resolver.questions, 2);
}

TEST_F(ConnectingTest, ANameWithoutAddressIsAnError) {
  use({"http://nowhere.test"});
  auto client = run();
  ASSERT_TRUE(client->error);
  EXPECT_EQ(client->error->code, ErrorCode::kUnresolved);
  EXPECT_NE(client->error->context.find("nowhere.test"), std::string::npos);
}

// A resolver that never answers.
class SilentResolver final : public Resolver {
 public:
  std::unique_ptr<Operation> resolve(const std::string&, std::uint16_t, Done) override {
    return std::make_unique<Operation>();
  }
};

TEST_F(ConnectingTest, TheDeadlineHoldsForTheNameToo) {
  SilentResolver silent;
  options.targets = {{.url = "http://app.test"}};
  shared = make_shared_group(options).value();
  group = Group::create(*loop, silent, shared);
  auto client = start();
  advance(options.connect_timeout_ms - 50);
  EXPECT_FALSE(client->over());
  advance(100);
  ASSERT_TRUE(client->error);
  EXPECT_EQ(client->error->code, ErrorCode::kTimeout);
  auto dropped = start();
  dropped.reset();
  EXPECT_EQ(state().running, 0U);
}

class TlsTest : public ConnectingTest {
 protected:
  void SetUp() override {
    ConnectingTest::SetUp();
    certificates.issue("app", "DNS:app.test");
    TlsServerOptions server;
    server.certificate_file = certificates.path("app.pem");
    server.key_file = certificates.path("app.key");
    secure = std::make_unique<ScriptedOrigin>(*loop, TlsServerContext::create(server).value());
    resolver.names["app.test"] = resolver.names["other.test"] = {at("127.0.0.1")};
    options.tls.ca_file = certificates.path("ca.pem");
  }
  meridian::test::Certificates certificates;
  std::unique_ptr<ScriptedOrigin> secure;
};

TEST_F(TlsTest, AGoodCertificateIsTakenAndTheConnectionKept) {
  use({secure->url("app.test")});
  secure->always(std::string(kOk));
  for (int i = 0; i < 3; ++i) {
    auto client = run();
    EXPECT_TRUE(client->done) << (client->error ? client->error->context : "");
    EXPECT_EQ(client->body, "ok");
  }
  EXPECT_EQ(secure->connections.size(), 1U);
}

TEST_F(TlsTest, AWrongNameIsRefusedAndSaidSo) {
  use({secure->url("other.test")});
  auto client = run();
  ASSERT_TRUE(client->error);
  EXPECT_EQ(client->error->code, ErrorCode::kTls);
  EXPECT_NE(client->error->context.find("mismatch"), std::string::npos) << client->error->context;
  EXPECT_EQ(client->error->source, ErrorSource::kOrigin);
}

TEST_F(TlsTest, TheNameToVerifyCanBeSet) {
  options.tls_server_name = "app.test";
  use({secure->url("other.test")});
  secure->always(std::string(kOk));
  EXPECT_TRUE(run()->done);
}

TEST_F(TlsTest, AnUnknownAuthorityIsRefusedUnlessAskedNotToLook) {
  const meridian::test::Certificates strangers;
  options.tls.ca_file = strangers.path("ca.pem");
  use({secure->url("app.test")});
  secure->always(std::string(kOk));
  auto client = run();
  ASSERT_TRUE(client->error);
  EXPECT_EQ(client->error->code, ErrorCode::kTls);
  options.tls.verify = false;
  use({secure->url("app.test")});
  EXPECT_TRUE(run()->done);
}

TEST_F(TlsTest, ALargeBodyPasses) {
  use({secure->url("app.test")});
  const std::string body(3'000'000, 'q');
  secure->always("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  auto client = run();
  EXPECT_TRUE(client->done);
  EXPECT_TRUE(client->body == body);
}

// Without its close_notify the end of a body that lasts until the close is an attacker's word (RFC 9112
// section 9.8).
TEST_F(TlsTest, ACutConnectionIsNoEndOfABody) {
  use({secure->url("app.test")});
  auto client = start();
  ASSERT_TRUE(drive([&] { return secure->heads() == 1; }));
  secure->at(0).send("HTTP/1.1 200 OK\r\n\r\npart");
  ASSERT_TRUE(drive([&] { return client->saw("body"); }));
  secure->at(0).cut();
  ASSERT_TRUE(drive([&] { return client->over(); }));
  EXPECT_TRUE(client->error);
}

TEST_F(TlsTest, AMissingFileIsAnErrorOfTheOperator) {
  options.tls.ca_file = certificates.path("no-such.pem");
  options.targets = {{.url = "https://app.test"}};
  const auto made = make_shared_group(options);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().context.find("no-such.pem"), std::string::npos) << made.error().context;
}

TEST(Group, RefusesWhatIsNoTarget) {
  GroupOptions options{.name = "g"};
  EXPECT_FALSE(make_shared_group(options));
  options.targets = {{.url = "gopher://x"}};
  EXPECT_FALSE(make_shared_group(options));
}

}  // namespace
}  // namespace meridian::upstream::test
