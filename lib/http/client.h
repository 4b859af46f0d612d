#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/http/http1.h"
#include "lib/http/message.h"
#include "lib/net/connect.h"
#include "lib/net/event_loop.h"

namespace meridian::http {

// Whom a client talks to.
struct ClientServer {
  std::string host;  // a name or an address
  std::uint16_t port = 80;
  std::shared_ptr<TlsClientContext> tls;  // nullptr: plain
  // As Host and in messages: "host:port", without the port where it is the scheme's own.
  std::string authority() const;
};
// "http://host[:port]" or "https://host[:port]" and nothing behind; a context is needed for https.
[[nodiscard]] Result<ClientServer> parse_server(std::string_view url, std::shared_ptr<TlsClientContext> tls);

struct ClientRequest {
  std::string method = "GET";
  std::string target = "/";
  std::string fields;  // a block (append_field), without Host and framing
  std::string body;
  std::int64_t timeout_ms = 5000;  // for all of it; of a stream, until its head has come
  std::int64_t silence_ms = 0;     // of a stream: between two pieces; 0: it may be silent for ever
};

struct ClientResponse {
  int status = 0;
  std::string content_type;
  std::string body;
};

// A client of one server: for programs that ask their own servers (a control plane its store, the command
// line tool a control plane), not for the edge's origins, whose needs are others (origin/upstream). HTTP/1.1,
// one request at a time on a connection; connections are kept for a while and used again. On one loop. Strict
// in what it reads, bounded in what it holds.
//
// A failure says whether anything can have happened: `retryable` is set while not one byte of the request had
// been sent.
class Client {
 public:
  struct Limits {
    HeadLimits head;
    std::size_t body_bytes = 64 * 1024 * 1024;  // of a response that is collected
  };
  // Connections that are kept idle, and for how long.
  static constexpr std::size_t kMostIdle = 4;
  static constexpr std::int64_t kIdleMs = 30'000;

  Client(EventLoop& loop, Resolver& resolver, ClientServer server)
      : Client(loop, resolver, server, Limits()) {}
  Client(EventLoop& loop, Resolver& resolver, ClientServer server, const Limits& limits);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  const ClientServer& server() const { return server_; }

  using Done = std::function<void(Result<ClientResponse>)>;
  // Whatever the status is, an answer is an answer. `done` is called once, never inside send(); it may drop
  // the operation, which outlives no client.
  [[nodiscard]] std::unique_ptr<Operation> send(ClientRequest request, Done done);

  // A response that is read as it comes. Every call may drop the operation.
  struct StreamHandlers {
    std::function<void(const ResponseHead&)> on_head;
    std::function<void(std::string_view)> on_bytes;
    std::function<void(Result<void>)> on_end;  // once, the last call
  };
  [[nodiscard]] std::unique_ptr<Operation> stream(ClientRequest request, StreamHandlers handlers);

 private:
  class Exchange;
  struct Idle {
    std::unique_ptr<Stream> stream;
    std::int64_t until_ms;
  };
  std::unique_ptr<Stream> take_idle();
  void keep_idle(std::unique_ptr<Stream> stream);

  EventLoop& loop_;
  Resolver& resolver_;
  const ClientServer server_;
  const Limits limits_;
  std::vector<Idle> idle_;
};

}  // namespace meridian::http
