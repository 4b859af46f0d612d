#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "lib/net/connect.h"
#include "tests/net/dns_server.h"
#include "tests/net/harness.h"

namespace meridian {
namespace {

using test::DnsServer;
using test::drive;
using test::make_loop;

class ResolverTest : public testing::Test {
 protected:
  using Addresses = std::vector<SocketAddress>;

  ResolverTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "meridian-hosts-XXXXXX").string();
    const int fd = ::mkstemp(pattern.data());
    ::close(fd);
    options_.hosts_file = pattern;
    options_.nameserver = server_.address();
    resolver_ = Resolver::create(*loop_, options_);
  }
  ~ResolverTest() override {
    resolver_.reset();
    for (int i = 0; i < 4; ++i) loop_->run_once();  // what evdns still has to say
    std::filesystem::remove(options_.hosts_file);
  }

  static std::string text_of(const Result<Addresses>& result) {
    if (!result) return result.error().context;
    std::string text;
    for (const auto& address : *result) text += (text.empty() ? "" : " ") + address.to_string();
    return text;
  }

  struct Ask {
    std::optional<Result<Addresses>> result;
    std::unique_ptr<Operation> operation;
    bool known() const { return result.has_value(); }
    std::string text() const { return result ? text_of(*result) : "nothing yet"; }
  };
  std::unique_ptr<Ask> ask(const std::string& host, std::uint16_t port = 80) {
    auto asked = std::make_unique<Ask>();
    asked->operation =
        resolver_->resolve(host, port, [a = asked.get()](auto result) { a->result = std::move(result); });
    return asked;
  }
  std::string resolve(const std::string& host, std::uint16_t port = 80) {
    const auto asked = ask(host, port);
    EXPECT_TRUE(drive(*loop_, [&] { return asked->known(); }));
    return asked->text();
  }
  void pass_ms(std::int64_t ms) {
    clock_.advance_ms(ms);
    loop_->run_once();
  }
  void run_until_asked(const std::string& name, int times) {
    EXPECT_TRUE(drive(*loop_, [&] {
      return server_.questions(name, DnsServer::kA) >= times &&
             server_.questions(name, DnsServer::kAaaa) >= times;
    }));
  }

  ManualClock clock_;
  std::unique_ptr<EventLoop> loop_ = make_loop(clock_);
  DnsServer server_{*loop_};
  Resolver::Options options_;
  std::unique_ptr<Resolver> resolver_;
};

TEST_F(ResolverTest, LiteralsAndLocalhostNeedNoServer) {
  server_.set_mood(DnsServer::Mood::kSilent);
  EXPECT_EQ(ask("192.0.2.7", 81)->text(), "192.0.2.7:81");
  EXPECT_EQ(ask("2001:db8::7", 82)->text(), "[2001:db8::7]:82");
  EXPECT_EQ(ask("localhost", 83)->text(), "127.0.0.1:83 [::1]:83");
  EXPECT_EQ(ask("App.LocalHost.", 84)->text(), "127.0.0.1:84 [::1]:84");
}

TEST_F(ResolverTest, BothFamiliesIpv4First) {
  server_.set("both.test", DnsServer::kA, {{"192.0.2.1", "192.0.2.2"}});
  server_.set("both.test", DnsServer::kAaaa, {{"2001:db8::1"}});
  server_.set("six.test", DnsServer::kAaaa, {{"2001:db8::6"}});
  EXPECT_EQ(resolve("Both.Test"), "192.0.2.1:80 192.0.2.2:80 [2001:db8::1]:80");
  EXPECT_EQ(resolve("six.test", 443), "[2001:db8::6]:443");
}

TEST_F(ResolverTest, ConcurrentQuestionsShareOneQuery) {
  server_.set("a.test", DnsServer::kA, {{"192.0.2.1"}});
  const auto first = ask("a.test", 1);
  const auto second = ask("a.test", 2);
  EXPECT_NE(first->operation, nullptr);
  EXPECT_TRUE(drive(*loop_, [&] { return first->known() && second->known(); }));
  EXPECT_EQ(first->text(), "192.0.2.1:1");
  EXPECT_EQ(second->text(), "192.0.2.1:2");
  EXPECT_EQ(server_.questions("a.test", DnsServer::kA), 1);
  EXPECT_EQ(server_.questions("a.test", DnsServer::kAaaa), 1);
}

TEST_F(ResolverTest, AnAnswerIsKeptForItsTtlOnly) {
  server_.set("a.test", DnsServer::kA, {{"192.0.2.1"}, 30});
  server_.set("a.test", DnsServer::kAaaa, {{"2001:db8::1"}, 20});
  resolve("a.test");
  server_.set("a.test", DnsServer::kA, {{"192.0.2.9"}, 30});
  pass_ms(19'000);
  const auto kept = ask("a.test");
  EXPECT_EQ(kept->text(), "192.0.2.1:80 [2001:db8::1]:80");
  EXPECT_EQ(kept->operation, nullptr);
  pass_ms(1001);
  EXPECT_EQ(resolve("a.test"), "192.0.2.9:80 [2001:db8::1]:80");
  EXPECT_EQ(server_.questions("a.test", DnsServer::kA), 2);
}

TEST_F(ResolverTest, TtlIsHeldWithinBounds) {
  server_.set("short.test", DnsServer::kA, {{"192.0.2.1"}, 0});
  server_.set("long.test", DnsServer::kA, {{"192.0.2.1"}, 1'000'000});
  resolve("short.test");
  resolve("long.test");
  pass_ms(options_.min_ttl_ms - 1);
  EXPECT_TRUE(ask("short.test")->known());
  pass_ms(1);
  EXPECT_FALSE(ask("short.test")->known());
  pass_ms(options_.max_ttl_ms);
  EXPECT_FALSE(ask("long.test")->known());
}

TEST_F(ResolverTest, ANameThatDoesNotExistIsAFailureForASecond) {
  EXPECT_EQ(resolve("none.test"), "cannot resolve none.test: no such name");
  server_.set("none.test", DnsServer::kA, {{"192.0.2.1"}});
  const auto again = ask("none.test");
  ASSERT_TRUE(again->known());
  EXPECT_EQ(again->result->error().code, ErrorCode::kUnresolved);
  EXPECT_EQ(again->result->error().source, ErrorSource::kOrigin);
  pass_ms(Resolver::kFailureTtlMs);
  EXPECT_EQ(resolve("none.test"), "192.0.2.1:80");
}

TEST_F(ResolverTest, SilenceEndsAtTheDeadline) {
  server_.set_mood(DnsServer::Mood::kSilent);
  const auto asked = ask("a.test");
  run_until_asked("a.test", 1);
  pass_ms(options_.timeout_ms - 10);
  EXPECT_FALSE(asked->known());
  pass_ms(20);
  EXPECT_EQ(asked->text(), "cannot resolve a.test: no answer within 3000 ms");
  EXPECT_TRUE(asked->result->error().retryable);
}

TEST_F(ResolverTest, LateIpv6DoesNotHoldIpv4Back) {
  server_.set("a.test", DnsServer::kA, {{"192.0.2.1"}});
  server_.ignore("a.test", DnsServer::kAaaa);
  const auto asked = ask("a.test");
  run_until_asked("a.test", 1);
  for (int i = 0; i < 50; ++i) loop_->run_once();
  EXPECT_FALSE(asked->known());
  EXPECT_TRUE(drive(*loop_, [&] {
    clock_.advance_ms(10);
    return asked->known();
  }));
  EXPECT_EQ(asked->text(), "192.0.2.1:80");
  EXPECT_LT(clock_.mono_ms(), 1000 + options_.timeout_ms);
}

// RFC 8767: better an old answer than none.
TEST_F(ResolverTest, OldAddressesServeWhileTheServerIsSilent) {
  server_.set("a.test", DnsServer::kA, {{"192.0.2.1"}, 10});
  resolve("a.test");
  server_.set_mood(DnsServer::Mood::kSilent);
  pass_ms(10'000);
  const auto first = ask("a.test");
  run_until_asked("a.test", 2);
  EXPECT_FALSE(first->known());
  pass_ms(Resolver::kStaleAfterMs + 10);
  EXPECT_EQ(first->text(), "192.0.2.1:80");
  EXPECT_EQ(ask("a.test")->text(), "192.0.2.1:80") << "nobody waits a second time";
  pass_ms(options_.timeout_ms);
  pass_ms(Resolver::kFailureTtlMs);
  EXPECT_EQ(ask("a.test")->text(), "192.0.2.1:80");
  run_until_asked("a.test", 3);
}

TEST_F(ResolverTest, OldAddressesGiveWayToNewOnes) {
  server_.set("a.test", DnsServer::kA, {{"192.0.2.1"}, 10});
  resolve("a.test");
  server_.set_mood(DnsServer::Mood::kSilent);
  pass_ms(10'000);
  const auto stale = ask("a.test");
  pass_ms(options_.timeout_ms + 10);
  EXPECT_EQ(stale->text(), "192.0.2.1:80");
  server_.set_mood(DnsServer::Mood::kAnswer);
  server_.set("a.test", DnsServer::kA, {{"192.0.2.2"}, 10});
  pass_ms(Resolver::kFailureTtlMs);
  EXPECT_TRUE(drive(*loop_, [&] { return ask("a.test")->text() == "192.0.2.2:80"; }));
}

TEST_F(ResolverTest, OldAddressesGiveWayToTheNewsThatTheNameIsGone) {
  server_.set("a.test", DnsServer::kA, {{"192.0.2.1"}, 10});
  resolve("a.test");
  server_.clear();
  pass_ms(10'000);
  EXPECT_EQ(resolve("a.test"), "cannot resolve a.test: no such name");
}

TEST_F(ResolverTest, OldAddressesServeForABoundedTime) {
  server_.set("a.test", DnsServer::kA, {{"192.0.2.1"}, 10});
  resolve("a.test");
  server_.set_mood(DnsServer::Mood::kSilent);
  pass_ms(10'000 + Resolver::kMostStaleMs);
  const auto asked = ask("a.test");
  pass_ms(options_.timeout_ms + 10);
  ASSERT_TRUE(asked->known());
  EXPECT_FALSE(*asked->result);
}

TEST_F(ResolverTest, TheHostsFileComesFirstAndIsReadAgain) {
  server_.set("app.test", DnsServer::kA, {{"192.0.2.1"}});
  const auto write = [&](const std::string& text) { std::ofstream(options_.hosts_file) << text; };
  write(
      "# comment\n2001:db8::5 App.Test other\n\n198.51.100.5\tapp.test # tail\nnonsense "
      "app.test\n198.51.100.5 app.test\n");
  pass_ms(1000);
  EXPECT_EQ(ask("app.test")->text(), "198.51.100.5:80 [2001:db8::5]:80");
  EXPECT_EQ(ask("OTHER")->text(), "[2001:db8::5]:80");
  write("198.51.100.77 app.test\n");
  pass_ms(1000);
  EXPECT_EQ(ask("app.test")->text(), "198.51.100.77:80");
  write("");
  pass_ms(1000);
  EXPECT_EQ(resolve("app.test"), "192.0.2.1:80");
}

TEST_F(ResolverTest, DroppingTheOperationSilencesIt) {
  server_.set("a.test", DnsServer::kA, {{"192.0.2.1"}});
  auto dropped = ask("a.test");
  const auto kept = ask("a.test");
  dropped->operation.reset();
  EXPECT_TRUE(drive(*loop_, [&] { return kept->known(); }));
  EXPECT_FALSE(dropped->known());
}

TEST_F(ResolverTest, DestroyingTheResolverSilencesAll) {
  server_.set("a.test", DnsServer::kA, {{"192.0.2.1"}});
  const auto asked = ask("a.test");
  resolver_.reset();
  for (int i = 0; i < 50; ++i) loop_->run_once();
  EXPECT_FALSE(asked->known());
}

TEST_F(ResolverTest, AnAnswerMayDestroyTheResolverAndOtherOperations) {
  server_.set("a.test", DnsServer::kA, {{"192.0.2.1"}});
  std::unique_ptr<Ask> other;
  int answered = 0;
  auto operation = resolver_->resolve("a.test", 80, [&](auto) {
    ++answered;
    other.reset();
    resolver_.reset();
  });
  other = ask("a.test");
  EXPECT_TRUE(drive(*loop_, [&] { return answered == 1; }));
  EXPECT_EQ(other, nullptr);
}

TEST_F(ResolverTest, ManyNamesAreForgottenInsteadOfKept) {
  for (std::size_t i = 0; i < Resolver::kNames + 10; ++i) {
    const std::string name = "n" + std::to_string(i) + ".test";
    server_.set(name, DnsServer::kA, {{"192.0.2.1"}});
    clock_.advance_ms(1);
    ASSERT_EQ(resolve(name), "192.0.2.1:80");
  }
  EXPECT_FALSE(ask("n0.test")->known());
  EXPECT_TRUE(ask("n1000.test")->known());
}

TEST_F(ResolverTest, WhatIsNoNameIsRefused) {
  for (const std::string& host : {std::string(), std::string("."), std::string(254, 'a')}) {
    const auto asked = ask(host);
    ASSERT_TRUE(asked->known());
    EXPECT_EQ(asked->result->error().code, ErrorCode::kInvalid);
  }
}

}  // namespace
}  // namespace meridian
