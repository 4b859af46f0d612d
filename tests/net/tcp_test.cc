#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "lib/base/page_file.h"
#include "lib/net/listener.h"
#include "lib/net/tcp_stream.h"
#include "tests/net/harness.h"

namespace meridian {
namespace {

using test::drive;
using test::make_loop;
using test::pattern;
using test::Peer;

int connect_fd(const SocketAddress& to) {
  const int fd = ::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int rc = ::connect(fd, to.raw(), to.raw_size());
  EXPECT_TRUE(rc == 0 || errno == EINPROGRESS);
  return fd;
}

ListenSocket listen_on(const char* address = "127.0.0.1:0") {
  return ListenSocket::open(SocketAddress::parse(address).value()).value();
}

class TcpTest : public testing::Test {
 protected:
  void open() {
    Listener listener(*loop_, socket_, nullptr,
                      [&](std::unique_ptr<Stream> s) { server_.take(std::move(s)); });
    client_.take(make_tcp_stream(*loop_, connect_fd(socket_.address()), socket_.address()));
    ASSERT_TRUE(drive(*loop_, [&] { return server_.connected(); }));
    EXPECT_EQ(listener.accept_errors(), 0u);
  }
  std::unique_ptr<EventLoop> loop_ = make_loop();
  ListenSocket socket_ = listen_on();
  Peer server_;
  Peer client_;
};

TEST_F(TcpTest, CarriesBothWaysAndKnowsItsAddresses) {
  open();
  client_.send("question");
  server_.send("answer");
  EXPECT_TRUE(
      drive(*loop_, [&] { return server_.received() == "question" && client_.received() == "answer"; }));
  EXPECT_EQ(server_.stream().peer(), client_.stream().local());
  EXPECT_EQ(server_.stream().local(), socket_.address());
  EXPECT_EQ(server_.stream().tls(), nullptr);
}

// Pages are sent without being copied, so the socket still points to them when their owner is gone and others
// write: the client must get the bytes of then.
TEST_F(TcpTest, PagesOnTheirWayStayAsTheyWere) {
  const std::shared_ptr<PageFile> pages = PageFile::create();
  if (!pages) GTEST_SKIP() << "memfd_create() is refused here";
  open();
  client_.stream().want(false, false);  // it does not read yet: all of this waits in sockets
  std::string expected;
  for (int round = 0;; ++round) {
    std::string body = pattern(200'000);
    body[0] = static_cast<char>(round);
    Slice slice = pages->reserve(body.size())->append(body);
    std::string head = "head " + std::to_string(round) + "\r\n";
    const iovec part{head.data(), head.size()};
    const IoResult result =
        server_.stream().write_file(&part, 1, slice.owner->file_place(slice.data), slice.size);
    if (result.kind == IoResult::Kind::kWouldBlock) break;
    ASSERT_EQ(result.kind, IoResult::Kind::kOk);
    expected.append((head + body).substr(0, result.bytes));
    if (result.bytes < head.size() + body.size()) break;
  }
  ASSERT_GT(expected.size(), 30'000u);
  std::vector<Slice> others;
  for (int i = 0; i < 40; ++i) others.push_back(pages->reserve(200'000)->append(std::string(200'000, 'x')));
  client_.stream().want(true, false);
  EXPECT_TRUE(drive(*loop_, [&] { return client_.received().size() >= expected.size(); }));
  EXPECT_TRUE(client_.received() == expected);
}

TEST_F(TcpTest, AcceptedSocketsDoNotDelayBlockOrLeak) {
  open();
  int no_delay = 0;
  socklen_t size = sizeof no_delay;
  const int fd = server_.stream().fd();
  ASSERT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size), 0);
  EXPECT_NE(no_delay, 0);
  EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(TcpTest, LargeTransferSurvivesFullBuffers) {
  open();
  const std::string sent = pattern(8 << 20);
  server_.send(sent);
  EXPECT_FALSE(server_.sent_all()) << "the kernel took it all: this test no longer tests what it says";
  ASSERT_TRUE(drive(*loop_, [&] { return client_.received().size() >= sent.size(); }));
  EXPECT_TRUE(client_.received() == sent);
}

TEST_F(TcpTest, WritesManyPartsInOrder) {
  open();
  const std::string sent = pattern(3000);
  std::vector<iovec> parts;
  for (std::size_t i = 0; i < sent.size(); i += 2) parts.push_back({const_cast<char*>(&sent[i]), 2});
  const IoResult result = server_.stream().write(parts.data(), static_cast<int>(parts.size()));
  ASSERT_EQ(result.kind, IoResult::Kind::kOk);
  ASSERT_GT(result.bytes, 0u);
  ASSERT_TRUE(drive(*loop_, [&] { return client_.received().size() == result.bytes; }));
  EXPECT_EQ(client_.received(), sent.substr(0, result.bytes));
}

TEST_F(TcpTest, ShutdownIsAnEndAndLeavesTheOtherWayOpen) {
  open();
  server_.send("last");
  server_.stream().shutdown_write();
  ASSERT_TRUE(drive(*loop_, [&] { return client_.ended(); }));
  EXPECT_EQ(client_.received(), "last");
  client_.send("still open");
  EXPECT_TRUE(drive(*loop_, [&] { return server_.received() == "still open"; }));
}

TEST_F(TcpTest, DestroyingEndsAndResetOnCloseBreaksOff) {
  open();
  server_.drop();
  ASSERT_TRUE(drive(*loop_, [&] { return client_.ended(); }));
  open();
  server_.stream().reset_on_close();
  server_.drop();
  ASSERT_TRUE(drive(*loop_, [&] { return client_.failed(); }));
  EXPECT_EQ(client_.last().error, ECONNRESET);
}

TEST_F(TcpTest, WriteToAResetConnectionIsAnErrorAndNoSignal) {
  open();
  server_.stream().reset_on_close();
  server_.drop();
  ASSERT_TRUE(drive(*loop_, [&] { return client_.failed(); }));
  client_.send("x");
  EXPECT_TRUE(client_.failed());
  iovec parts[2] = {{const_cast<char*>("a"), 1}, {const_cast<char*>("b"), 1}};
  EXPECT_EQ(client_.stream().write(parts, 2).kind, IoResult::Kind::kError);
}

TEST_F(TcpTest, StaleWhenThePeerSentOrLeft) {
  open();
  server_.stream().want(false, false);
  EXPECT_FALSE(server_.stream().stale());
  client_.send("x");
  EXPECT_TRUE(drive(*loop_, [&] { return server_.stream().stale(); }));
  char byte;
  EXPECT_EQ(server_.stream().read(&byte, 1).bytes, 1u);
  EXPECT_FALSE(server_.stream().stale());
  client_.drop();
  EXPECT_TRUE(drive(*loop_, [&] { return server_.stream().stale(); }));
}

TEST_F(TcpTest, HandlerMayDestroyItsStream) {
  open();
  struct Suicide final : StreamHandler {
    void on_readable() override { peer->drop(); }
    void on_writable() override {}
    Peer* peer = nullptr;
  } handler;
  handler.peer = &server_;
  server_.stream().set_handler(&handler);
  server_.stream().want(true, false);
  client_.send("x");
  EXPECT_TRUE(drive(*loop_, [&] { return client_.ended() || client_.failed(); }));
}

TEST(ListenSocketTest, TwoShareAPortAndSayWhichTheKernelChose) {
  const ListenSocket first = listen_on();
  EXPECT_NE(first.address().port(), 0);
  const auto second = ListenSocket::open(first.address());
  ASSERT_TRUE(second) << second.error().context;
  EXPECT_EQ(second->address(), first.address());
}

TEST(ListenSocketTest, BothFamiliesStandSideBySideOnOnePort) {
  const auto six = ListenSocket::open(SocketAddress::parse("[::]:0").value());
  if (!six) GTEST_SKIP() << "no IPv6 here: " << six.error().context;
  auto any_v4 = SocketAddress::parse("0.0.0.0:0").value();
  any_v4.set_port(six->address().port());
  EXPECT_TRUE(ListenSocket::open(any_v4));
}

TEST(ListenSocketTest, FailureNamesTheAddress) {
  const auto socket = ListenSocket::open(SocketAddress::parse("192.0.2.1:80").value());
  ASSERT_FALSE(socket);
  EXPECT_NE(socket.error().context.find("192.0.2.1:80"), std::string::npos);
  EXPECT_EQ(socket.error().source, ErrorSource::kOperator);
}

TEST(ListenSocketTest, AdoptsAListeningSocketAndNothingElse) {
  const ListenSocket original = listen_on();
  const auto adopted = ListenSocket::adopt(::dup(original.fd()));
  ASSERT_TRUE(adopted) << adopted.error().context;
  EXPECT_EQ(adopted->address(), original.address());
  EXPECT_NE(::fcntl(adopted->fd(), F_GETFD) & FD_CLOEXEC, 0);
  const int plain = ::socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_FALSE(ListenSocket::adopt(plain));
  ::close(plain);
  EXPECT_FALSE(ListenSocket::adopt(-1));
}

TEST(ListenerTest, TakesAFloodInSeveralTurns) {
  auto loop = make_loop();
  const ListenSocket socket = listen_on();
  std::vector<std::unique_ptr<Stream>> taken;
  Listener listener(*loop, socket, nullptr,
                    [&](std::unique_ptr<Stream> s) { taken.push_back(std::move(s)); });
  std::vector<int> clients;
  for (int i = 0; i < 150; ++i) clients.push_back(connect_fd(socket.address()));
  std::size_t most_in_a_turn = 0;
  EXPECT_TRUE(drive(*loop, [&, before = std::size_t{0}]() mutable {
    most_in_a_turn = std::max(most_in_a_turn, taken.size() - before);
    before = taken.size();
    return taken.size() == 150;
  }));
  EXPECT_LE(most_in_a_turn, 64u);
  for (const int fd : clients) ::close(fd);
}

TEST(ListenerTest, MayBeDestroyedByWhatItCalls) {
  auto loop = make_loop();
  const ListenSocket socket = listen_on();
  std::unique_ptr<Listener> listener;
  int taken = 0;
  listener = std::make_unique<Listener>(*loop, socket, nullptr, [&](std::unique_ptr<Stream>) {
    listener.reset();
    ++taken;
  });
  const int first = connect_fd(socket.address());
  const int second = connect_fd(socket.address());
  EXPECT_TRUE(drive(*loop, [&] { return taken == 1; }));
  for (int i = 0; i < 3; ++i) loop->run_once();
  EXPECT_EQ(taken, 1);
  ::close(first);
  ::close(second);
}

// Without descriptors a listener counts, closes on one client, and tries again after a pause.
TEST(ListenerTest, PausesWhenDescriptorsRunOut) {
  ManualClock clock;
  auto loop = make_loop(clock);
  const ListenSocket socket = listen_on();
  std::vector<std::unique_ptr<Stream>> taken;
  Listener listener(*loop, socket, nullptr,
                    [&](std::unique_ptr<Stream> s) { taken.push_back(std::move(s)); });
  Peer shed(make_tcp_stream(*loop, connect_fd(socket.address()), socket.address()));
  Peer kept(make_tcp_stream(*loop, connect_fd(socket.address()), socket.address()));

  rlimit old_limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old_limit), 0);
  const rlimit none{0, old_limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_TRUE(drive(*loop, [&] { return listener.accept_errors() == 1; }));
  for (int i = 0; i < 5; ++i) loop->run_once();
  EXPECT_EQ(listener.accept_errors(), 1u) << "it did not pause";
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old_limit), 0);

  clock.advance_ms(120);
  EXPECT_TRUE(drive(*loop, [&] { return !taken.empty(); }));
  EXPECT_EQ(listener.accept_errors(), 1u);
}

}  // namespace
}  // namespace meridian
