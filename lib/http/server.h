#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "lib/base/bytes.h"
#include "lib/base/result.h"
#include "lib/http/message.h"
#include "lib/net/event_loop.h"
#include "lib/net/stream.h"

namespace meridian::http {

// Limits of one server connection. Zero means none only where it says so.
struct ServerLimits {
  std::size_t request_line_bytes = 8192;
  std::size_t header_bytes = 32768;  // all fields together
  std::size_t header_count = 100;
  std::uint64_t body_bytes = 0;               // 0: no limit
  std::int64_t header_timeout_ms = 10'000;    // from the first byte of a request to the end of its head
  std::int64_t body_timeout_ms = 30'000;      // between two reads of a body
  std::int64_t write_timeout_ms = 60'000;     // between two writes that the client takes
  std::int64_t idle_timeout_ms = 75'000;      // between requests
  std::uint64_t requests_per_connection = 0;  // 0: no limit
};

// A response's head as it goes to the wire layer, which adds framing (Content-Length or chunked) and
// Connection.
struct ResponseStart {
  int status = 200;
  std::string_view reason;  // empty: the standard phrase
  // Blocks of field lines (see append_field) without framing or hop-by-hop fields; copied or written before
  // return.
  std::span<const std::string_view> blocks;
  // Length of the body when it is known. Without it the wire layer chooses (chunked, or close for HTTP/1.0).
  // For an answer to HEAD, and for 304, the length is announced and nothing is sent; with no length none is
  // announced.
  bool has_length = false;
  std::uint64_t length = 0;
};

class Exchange;

// What a program does with requests. One handler for each exchange, on the exchange's loop.
class ExchangeHandler {
 public:
  // Request body (after read_body() asked for it): `bytes` is valid for the call only. `last` comes once,
  // perhaps with no bytes; `trailers` then has the trailer fields, if there were any.
  virtual void on_request_body(std::string_view bytes, bool last, const FieldList& trailers) = 0;
  // What was queued went below the low-water mark: more may be sent.
  virtual void on_drained() = 0;
  // The exchange is over; the handler must forget it. `completed`: the whole response was handed to the
  // kernel, or stands in front of the answer to a pipelined request that goes out with it. Otherwise the
  // client left or the connection failed. Never called inside a call of the exchange.
  virtual void on_closed(bool completed) = 0;

 protected:
  ~ExchangeHandler() = default;
};

// One request and its response, on any HTTP version. Owned by the connection, and alive until on_closed() has
// returned. The request's views live as long as the exchange.
class Exchange {
 public:
  virtual const RequestHead& request() const = 0;
  virtual void set_handler(ExchangeHandler* handler) = 0;
  virtual EventLoop& loop() = 0;
  virtual const SocketAddress& peer() const = 0;
  virtual const SocketAddress& local() const = 0;
  virtual const TlsInfo* tls() const = 0;

  // Request body. Nothing is read before read_body(); each call allows one more on_request_body() (that is
  // the back-pressure). The first call answers an Expect: 100-continue with 100. A body that is never read is
  // drained or ends the connection.
  virtual bool has_request_body() const = 0;
  // Set when the request announced Content-Length.
  virtual std::optional<std::uint64_t> request_length() const = 0;
  virtual void read_body() = 0;

  // Response, in this order. Data is queued by reference; on_drained() tells when more fits.
  virtual void send_informational(int status, std::string_view block) = 0;
  virtual void send_head(const ResponseStart& start) = 0;
  virtual void send_body(Slice bytes) = 0;
  // `trailer_block`: field lines; sent only where framing allows trailers.
  virtual void finish(std::string_view trailer_block = {}) = 0;
  // Bytes queued and not yet taken by the kernel; from kHighWater on a sender should wait for on_drained().
  virtual std::size_t queued_bytes() const = 0;
  static constexpr std::size_t kHighWater = 256 * 1024;
  // Cuts the connection (RST) so that a half-sent response cannot pass for a whole one. on_closed(false)
  // follows, not inside the call.
  virtual void abort() = 0;
  // Ends the connection by FIN behind what is queued, although the response is not whole: how a broken origin
  // behaves, for fault injection. on_closed(false) follows.
  virtual void truncate() = 0;
  // The connection closes after this response.
  virtual void close_after() = 0;
  // The blocks hold Connection and Upgrade.
  // After a request with Upgrade (or a CONNECT-like tunnel): sends the 101 head, then gives the raw stream
  // and whatever the client already sent behind its head. The exchange ends; on_closed() is not called.
  // Afterwards, in the same turn, only what it was may be asked (request, addresses, bytes_sent); tls() is
  // nullptr.
  struct Tunnel {
    std::unique_ptr<Stream> stream;
    Slice early;   // from the client
    Slice unsent;  // to the client: what the kernel did not take yet, nearly always nothing; write it first
  };
  virtual Tunnel upgrade(const ResponseStart& start) = 0;

  // Bytes that went to the client for this exchange, head included; for the log.
  virtual std::uint64_t bytes_sent() const = 0;
  // Bytes that have come and were used on its connection since this was last asked, by anybody; for metrics.
  virtual std::uint64_t take_bytes_received() { return 0; }
  // When the request's first byte came, on the loop's monotonic clock.
  virtual std::int64_t started_ms() const = 0;

 protected:
  ~Exchange() = default;
};

// What a refused request says to whoever counts or logs: the exchange never existed.
struct BadRequest {
  int status = 400;
  std::string_view reason;  // a stable token: "cl-with-te", "obs-fold", ...
};

class ConnectionHost {
 public:
  // A whole request head has come. Called inside the read; the answer may be sent at once.
  virtual void on_request(Exchange& exchange) = 0;
  // A request was refused by the parser, or its body; the page that will be sent is returned (plain text, may
  // be empty).
  virtual std::string_view on_bad_request(const BadRequest& bad, const SocketAddress& peer) = 0;
  // A deadline of ServerLimits ends the connection and nobody is told by an answer: between two requests, or
  // as the client does not take its response.
  enum class SilentTimeout : std::uint8_t { kIdle, kWrite };
  virtual void on_silent_timeout(SilentTimeout) {}
  // The connection is gone; the host drops it.
  virtual void on_connection_closed(class ServerConnection& connection) = 0;

 protected:
  ~ConnectionHost() = default;
};

// A server's end of one client connection: HTTP/1.1 now, chosen by ALPN later. Owned by its host, on one
// loop. Destroying it cuts the connection; a running exchange's handler gets on_closed(false).
class ServerConnection {
 public:
  [[nodiscard]] static std::unique_ptr<ServerConnection> create(EventLoop& loop,
                                                                std::unique_ptr<Stream> stream,
                                                                const ServerLimits& limits,
                                                                ConnectionHost& host);
  virtual ~ServerConnection() = default;
  // Finishes what is under way with Connection: close, and closes at once when idle; one that has not had a
  // request yet may still send its first for a moment.
  virtual void drain() = 0;
  virtual bool idle() const = 0;
  // See Exchange::take_bytes_received().
  virtual std::uint64_t take_bytes_received() = 0;
};

}  // namespace meridian::http
