#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "tests/net/tls_harness.h"

namespace meridian {
namespace {

using test::drive;

class TlsContextTest : public test::TlsTest {
 protected:
  static void SetUpTestSuite() {
    TlsTest::SetUpTestSuite();
    certificates_->issue("renewed", "DNS:renewed.example.test");
    certificates_->issue("expired", "DNS:www.example.test", -1);
    certificates_->issue("client", "DNS:client.example.test");
  }
  Result<void> dial_server(const std::string& certificate, const std::string& name) {
    listen(server_options(certificate));
    trust(client_options());
    return dial(name);
  }
  void expect_refusal(const Result<void>& result, const std::string& words) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kTls);
    EXPECT_EQ(result.error().source, ErrorSource::kOrigin);
    EXPECT_NE(result.error().context.find(words), std::string::npos) << result.error().context;
  }
  // Dials again, and says whether the session was resumed.
  bool redial_resumes() {
    const Result<void> dialled = dial();
    EXPECT_TRUE(dialled) << dialled.error().context;
    exchange();
    EXPECT_EQ(client_.stream().tls()->resumed, server_.stream().tls()->resumed);
    return server_.stream().tls()->resumed;
  }
};

TEST_F(TlsContextTest, TellsWhatWasAgreed) {
  listen(server_options());
  trust(client_options());
  ASSERT_TRUE(dial("WWW.Example.TEST"));
  exchange();
  for (const Stream* stream : {&server_.stream(), &client_.stream()}) {
    EXPECT_EQ(stream->tls()->version, "TLSv1.3");
    EXPECT_EQ(stream->tls()->cipher, "TLS_AES_128_GCM_SHA256");
    EXPECT_EQ(stream->tls()->alpn, "http/1.1");
    EXPECT_EQ(stream->tls()->server_name, "www.example.test");
    EXPECT_FALSE(stream->tls()->resumed);
  }
}

TEST_F(TlsContextTest, ServerChoosesTheProtocolByItsOwnOrder) {
  auto server = server_options();
  server.alpn = {"h2", "http/1.1"};
  listen(server);
  auto client = client_options();
  client.alpn = {"http/1.1", "h2"};
  trust(client);
  ASSERT_TRUE(dial());
  exchange();
  EXPECT_EQ(server_.stream().tls()->alpn, "h2");
  client.alpn = {};
  trust(client);
  ASSERT_TRUE(dial());
  exchange();
  EXPECT_EQ(server_.stream().tls()->alpn, "");
}

TEST_F(TlsContextTest, NoCommonProtocolEndsTheHandshake) {
  listen(server_options());
  auto client = client_options();
  client.alpn = {"smtp"};
  trust(client);
  expect_refusal(dial(), "no application protocol");
}

TEST_F(TlsContextTest, WrongNameIsRefused) {
  expect_refusal(dial_server("server", "other.example.test"), "hostname mismatch");
  expect_refusal(dial_server("renewed", "127.0.0.1"), "IP address mismatch");
}

TEST_F(TlsContextTest, AnIpAddressIsHeldAgainstTheCertificateAndIsNoSni) {
  ASSERT_TRUE(dial_server("server", "127.0.0.1"));
  exchange();
  EXPECT_EQ(server_.stream().tls()->server_name, "");
}

TEST_F(TlsContextTest, ExpiredAndUntrustedCertificatesAreRefused) {
  expect_refusal(dial_server("expired", "www.example.test"), "certificate has expired");
  test::Certificates others;
  listen(server_options());
  auto client = client_options();
  client.ca_file = others.path("ca.pem");
  trust(client);
  expect_refusal(dial(), "unable to get local issuer certificate");
}

TEST_F(TlsContextTest, AWithoutVerificationAllPasses) {
  listen(server_options("expired"));
  auto client = client_options();
  client.verify = false;
  trust(client);
  EXPECT_TRUE(dial("other.example.test"));
}

TEST_F(TlsContextTest, NoNameIsRefusedWhereItMustBeVerified) {
  listen(server_options());
  trust(client_options());
  const auto result = dial("");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kTls);
}

TEST_F(TlsContextTest, SessionsAreResumed) {
  open();
  exchange();
  EXPECT_FALSE(server_.stream().tls()->resumed);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(redial_resumes()) << "each resumption brings the next ticket";
  EXPECT_EQ(server_.stream().tls()->server_name, "www.example.test");
}

TEST_F(TlsContextTest, SessionsAreResumedAfterAReload) {
  open();
  exchange();
  ASSERT_TRUE(server_context_->reload());
  EXPECT_TRUE(redial_resumes());
}

TEST_F(TlsContextTest, TicketKeysAreReplacedByTheClock) {
  open();
  exchange();
  ticket_clock_.advance_ms(TlsServerContext::kTicketKeyLifeMs + 1);
  EXPECT_TRUE(redial_resumes()) << "the key before opens its tickets";
  ticket_clock_.advance_ms(TlsServerContext::kTicketKeyLifeMs - 1);
  EXPECT_TRUE(redial_resumes()) << "the ticket was renewed under the new key";
  ticket_clock_.advance_ms(3 * TlsServerContext::kTicketKeyLifeMs);
  EXPECT_FALSE(redial_resumes()) << "no ticket outlives two keys";
}

TEST_F(TlsContextTest, AnotherContextsTicketLeadsToAFullHandshake) {
  open();
  exchange();
  listen(server_options());
  EXPECT_FALSE(redial_resumes());
}

TEST_F(TlsContextTest, ReloadServesTheNewCertificateAndKeepsConnections) {
  certificates_->copy("server.pem", "live.pem");
  certificates_->copy("server.key", "live.key");
  listen(server_options("live"));
  trust(client_options());
  ASSERT_TRUE(dial());
  exchange();
  certificates_->copy("renewed.pem", "live.pem");
  certificates_->copy("renewed.key", "live.key");
  const auto reloaded = server_context_->reload();
  ASSERT_TRUE(reloaded) << reloaded.error().context;
  exchange("over the old one", "still here");
  expect_refusal(dial("fresh.example.test"), "hostname mismatch");
  EXPECT_TRUE(dial("renewed.example.test"));
}

TEST_F(TlsContextTest, AFailedReloadKeepsTheOldCertificate) {
  certificates_->copy("server.pem", "live.pem");
  certificates_->copy("server.key", "live.key");
  listen(server_options("live"));
  trust(client_options());
  certificates_->copy("renewed.key", "live.key");
  const auto reloaded = server_context_->reload();
  ASSERT_FALSE(reloaded);
  EXPECT_EQ(reloaded.error().context,
            "the key in " + path("live.key") + " does not belong to the certificate in " + path("live.pem"));
  EXPECT_TRUE(dial());
}

TEST_F(TlsContextTest, BadFilesAreNamed) {
  auto options = server_options();
  options.certificate_file = path("nowhere.pem");
  auto context = TlsServerContext::create(options);
  ASSERT_FALSE(context);
  EXPECT_EQ(context.error().context,
            "cannot use the certificate in " + options.certificate_file + ": No such file or directory");
  options = server_options();
  options.key_file = path("server.pem");
  context = TlsServerContext::create(options);
  ASSERT_FALSE(context);
  EXPECT_NE(context.error().context.find("cannot use the key in " + options.key_file), std::string::npos);
  auto client = client_options();
  client.ca_file = path("server.key");
  const auto client_context = TlsClientContext::create(client);
  ASSERT_FALSE(client_context);
  EXPECT_NE(client_context.error().context.find(client.ca_file), std::string::npos);
}

TEST_F(TlsContextTest, AKeyWithAPassphraseIsRefusedWithoutAsking) {
  certificates_->openssl("ec -in server.key -out locked.key -aes256 -passout pass:secret");
  auto options = server_options();
  options.key_file = path("locked.key");
  EXPECT_FALSE(TlsServerContext::create(options));
}

TEST_F(TlsContextTest, UnknownVersionsAndProtocolNamesAreRefused) {
  auto options = server_options();
  options.min_version = "1.1";
  EXPECT_FALSE(TlsServerContext::create(options));
  options = server_options();
  options.alpn = {""};
  EXPECT_FALSE(TlsServerContext::create(options));
}

// Our own client is too new for these: the openssl program speaks.
class TlsByProgramTest : public TlsContextTest {
 protected:
  // Runs s_client against the listener; true when it got its handshake through.
  bool s_client(const std::string& arguments) {
    const std::string command = "openssl s_client -connect " + socket_.address().to_string() +
                                " -servername www.example.test -CAfile '" + path("ca.pem") + "' -ign_eof " +
                                arguments + " >/dev/null 2>&1 </dev/null";
    std::atomic<int> status{-1};
    std::thread program([&] { status = std::system(command.c_str()); });
    EXPECT_TRUE(drive(*loop_, [&] {
      if (server_.connected() && server_.received().ends_with("hello")) server_.drop();
      if (server_.connected() && server_.stream().tls()->version != "") {
        version_ = server_.stream().tls()->version;
        resumed_ = server_.stream().tls()->resumed;
        server_.drop();
      }
      return status != -1;
    }));
    program.join();
    return status == 0;
  }
  std::string version_;
  bool resumed_ = false;
};

TEST_F(TlsByProgramTest, Tls12WorksAndResumes) {
  listen(server_options());
  const std::string session = path("session");
  EXPECT_TRUE(s_client("-tls1_2 -sess_out '" + session + "'"));
  EXPECT_EQ(version_, "TLSv1.2");
  EXPECT_FALSE(resumed_);
  ASSERT_TRUE(server_context_->reload());
  EXPECT_TRUE(s_client("-tls1_2 -sess_in '" + session + "'"));
  EXPECT_TRUE(resumed_);
}

TEST_F(TlsByProgramTest, OldVersionsWeakCiphersAndTheFloorAreKept) {
  listen(server_options());
  EXPECT_FALSE(s_client("-tls1_1 -cipher DEFAULT@SECLEVEL=0"));
  EXPECT_FALSE(s_client("-tls1_2 -cipher AES128-SHA"));
  EXPECT_TRUE(s_client("-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384"));
  auto options = server_options();
  options.min_version = "1.3";
  listen(options);
  EXPECT_FALSE(s_client("-tls1_2"));
  EXPECT_TRUE(s_client("-tls1_3"));
  EXPECT_EQ(version_, "TLSv1.3");
}

}  // namespace
}  // namespace meridian
