#include "lib/http/client.h"

#include <gtest/gtest.h>

#include <map>

#include "lib/net/listener.h"

namespace meridian::http {
namespace {

// A server on a loop that answers each request, as soon as its head has come, with the next of some texts;
// behind a text that ends in '$' it closes.
class ScriptedServer {
 public:
  ScriptedServer(EventLoop& loop, std::vector<std::string> answers)
      : answers_(std::move(answers)),
        socket_(std::move(*ListenSocket::open(*SocketAddress::parse("127.0.0.1:0")))),
        listener_(loop, socket_, nullptr, [this](std::unique_ptr<Stream> stream) {
          ++connections;
          Connection* const made = new Connection(*this, std::move(stream));
          open_.emplace(made, made);
        }) {}
  ClientServer address() const { return {"127.0.0.1", socket_.address().port(), nullptr}; }

  std::size_t connections = 0;
  std::vector<std::string> requests;

 private:
  class Connection final : public StreamHandler {
   public:
    Connection(ScriptedServer& server, std::unique_ptr<Stream> stream)
        : server_(server), stream_(std::move(stream)) {
      stream_->set_handler(this);
      stream_->want(true, false);
    }
    void on_readable() override {
      char bytes[4096];
      const IoResult result = stream_->read(bytes, sizeof bytes);
      if (result.kind == IoResult::Kind::kWouldBlock) return;
      if (result.kind != IoResult::Kind::kOk) return end();
      in_.append(bytes, result.bytes);
      if (in_.find("\r\n\r\n") == std::string::npos || server_.next_ == server_.answers_.size()) return;
      server_.requests.push_back(std::exchange(in_, ""));
      std::string answer = server_.answers_[server_.next_++];
      const bool closes = answer.ends_with('$');
      if (closes) answer.pop_back();
      const iovec part{answer.data(), answer.size()};
      if (!answer.empty()) (void)stream_->write(&part, 1);
      if (closes) end();
    }
    void on_writable() override {}

   private:
    void end() {
      stream_.reset();
      in_.clear();
    }
    ScriptedServer& server_;
    std::unique_ptr<Stream> stream_;
    std::string in_;
  };

  const std::vector<std::string> answers_;
  std::size_t next_ = 0;
  ListenSocket socket_;
  std::map<Connection*, std::unique_ptr<Connection>> open_;
  Listener listener_;
};

class ClientTest : public testing::Test {
 protected:
  ClientTest() : loop_(std::move(*EventLoop::create())), resolver_(Resolver::create(*loop_, {})) {}

  Result<ClientResponse> send(Client& client, ClientRequest request = {}) {
    std::optional<Result<ClientResponse>> answer;
    const auto operation = client.send(std::move(request), [&](Result<ClientResponse> response) {
      answer.emplace(std::move(response));
      loop_->stop();
    });
    EXPECT_FALSE(answer.has_value()) << "never inside send()";
    while (!answer) loop_->run();
    return *std::move(answer);
  }
  // One request to a server that gives one answer.
  Result<ClientResponse> one(const std::string& answer, ClientRequest request = {},
                             std::size_t body_bytes = 1000) {
    ScriptedServer server(*loop_, {answer});
    Client::Limits limits;
    limits.body_bytes = body_bytes;
    Client client(*loop_, *resolver_, server.address(), limits);
    return send(client, std::move(request));
  }

  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Resolver> resolver_;
};

TEST_F(ClientTest, Bodies) {
  const auto length = one("HTTP/1.1 201 Created\r\nContent-Length: 5\r\nContent-Type: a/b\r\n\r\nhello");
  ASSERT_TRUE(length) << length.error().context;
  EXPECT_EQ(length->status, 201);
  EXPECT_EQ(length->content_type, "a/b");
  EXPECT_EQ(length->body, "hello");
  EXPECT_EQ(
      one("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")->body,
      "hello");
  EXPECT_EQ(one("HTTP/1.1 200 OK\r\n\r\nhello$")->body, "hello");
  EXPECT_EQ(one("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")->status, 204);
  ClientRequest head;
  head.method = "HEAD";
  EXPECT_EQ(one("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", head)->body, "");
}

TEST_F(ClientTest, WhatIsBroken) {
  const auto code_of = [&](const std::string& answer) { return one(answer).error().code; };
  EXPECT_EQ(code_of("SSH-2.0\r\n\r\n"), ErrorCode::kInvalid);
  EXPECT_EQ(code_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
            ErrorCode::kInvalid);
  EXPECT_EQ(code_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"), ErrorCode::kInvalid);
  EXPECT_EQ(code_of("HTTP/1.1 101 Switching\r\n\r\n"), ErrorCode::kInvalid);
  EXPECT_EQ(code_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel$"), ErrorCode::kClosed);
  EXPECT_EQ(code_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n$"),
            ErrorCode::kClosed);
  EXPECT_EQ(code_of("$"), ErrorCode::kClosed);
  EXPECT_EQ(code_of("HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + std::string(2000, 'x')),
            ErrorCode::kTooLarge);
  EXPECT_FALSE(one("$").error().retryable);
}

TEST_F(ClientTest, Time) {
  ClientRequest hasty;
  hasty.timeout_ms = 50;
  EXPECT_EQ(one("", hasty).error().code, ErrorCode::kTimeout);
  EXPECT_EQ(one("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", hasty).error().code, ErrorCode::kTimeout);
}

TEST_F(ClientTest, NobodyThere) {
  ClientServer nobody{"127.0.0.1", 0, nullptr};
  {
    const auto socket = ListenSocket::open(*SocketAddress::parse("127.0.0.1:0"));
    nobody.port = socket->address().port();
  }
  Client client(*loop_, *resolver_, nobody);
  const auto refused = send(client);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(refused.error().retryable);
  EXPECT_NE(refused.error().context.find(nobody.authority()), std::string::npos);
}

TEST_F(ClientTest, AConnectionIsUsedAgain) {
  const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  ScriptedServer server(
      *loop_, {ok, ok, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok$", ok + "$", ok});
  Client client(*loop_, *resolver_, server.address());
  ClientRequest request;
  request.method = "POST";
  request.target = "/a?b";
  append_field(request.fields, "X", "y");
  request.body = "body";
  EXPECT_EQ(send(client, request)->body, "ok");
  EXPECT_EQ(server.requests[0], "POST /a?b HTTP/1.1\r\nHost: " + server.address().authority() +
                                    "\r\nX: y\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_EQ(send(client)->body, "ok");
  EXPECT_EQ(send(client)->body, "ok");
  EXPECT_EQ(server.connections, 1U);
  // The server has said that it closes; and the time after that, without having said so.
  EXPECT_EQ(send(client)->body, "ok");
  EXPECT_EQ(send(client)->body, "ok");
  EXPECT_EQ(server.connections, 3U);
}

TEST_F(ClientTest, AStreamComesAsItComesAndMayBeDropped) {
  ScriptedServer server(*loop_,
                        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\na\n\r\n2\r\nb\n\r\n"});
  Client client(*loop_, *resolver_, server.address());
  std::string got;
  int status = 0;
  std::unique_ptr<Operation> operation;
  Client::StreamHandlers handlers;
  handlers.on_head = [&](const ResponseHead& head) { status = head.status; };
  handlers.on_bytes = [&](std::string_view bytes) {
    got += bytes;
    // Gone inside its own call.
    operation.reset();
    loop_->stop();
  };
  handlers.on_end = [&](Result<void>) { FAIL() << "it was dropped"; };
  operation = client.stream({}, std::move(handlers));
  while (operation != nullptr) loop_->run();
  EXPECT_EQ(status, 200);
  EXPECT_EQ(got, "a\n");
}

TEST_F(ClientTest, AStreamThatIsSilentForTooLongEnds) {
  ScriptedServer server(*loop_, {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\na\n\r\n"});
  Client client(*loop_, *resolver_, server.address());
  ClientRequest request;
  request.silence_ms = 50;
  std::optional<Result<void>> end;
  Client::StreamHandlers handlers;
  handlers.on_bytes = [](std::string_view) {};
  handlers.on_end = [&](Result<void> result) {
    end = std::move(result);
    loop_->stop();
  };
  const auto operation = client.stream(request, std::move(handlers));
  while (!end) loop_->run();
  EXPECT_EQ(end->error().code, ErrorCode::kTimeout);
}

TEST(ClientServer, IsReadFromAUrl) {
  const auto server = parse_server("http://[::1]:81/", nullptr);
  ASSERT_TRUE(server);
  EXPECT_EQ(server->host, "::1");
  EXPECT_EQ(server->authority(), "[::1]:81");
  EXPECT_EQ(parse_server("http://h", nullptr)->authority(), "h");
  EXPECT_EQ(parse_server("http://h", nullptr)->port, 80);
  for (const std::string_view bad : {"", "h", "h:1", "https://h", "ftp://h", "http://", "http://h/a",
                                     "http://h:0", "http://h:x", "http://h:70000", "http://u@h"})
    EXPECT_FALSE(parse_server(bad, nullptr)) << bad;
}

}  // namespace
}  // namespace meridian::http
