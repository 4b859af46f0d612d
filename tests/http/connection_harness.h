#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/http/server.h"
#include "lib/net/memory_stream.h"

namespace meridian::http {

// One exchange as a test sees it: what came, and what the test lets its handler do.
struct Seen final : ExchangeHandler {
  explicit Seen(Exchange& e) : exchange(&e) {
    const RequestHead& head = e.request();
    method = head.method_name;
    path = head.path;
    authority = head.authority;
    scheme = head.scheme;
  }
  void on_request_body(std::string_view bytes, bool last, const FieldList& fields) override {
    body += bytes;
    ++pieces;
    body_done = body_done || last;
    for (const Field& field : fields)
      trailers += std::string(field.name) + "=" + std::string(field.value) + ";";
    if (on_body) {
      on_body(*this);
    } else if (!last) {
      exchange->read_body();
    }
  }
  void on_drained() override {
    ++drained;
    if (when_drained) when_drained(*this);
  }
  void on_closed(bool whole) override {
    closed = true;
    completed = whole;
    sent = exchange->bytes_sent();
    received = exchange->take_bytes_received();
    exchange = nullptr;
    if (when_closed) when_closed(*this);
  }

  // Answers 200 with a body of known length.
  void answer(std::string_view text, std::string_view block = {}) {
    ResponseStart start;
    const std::string_view blocks[] = {block};
    start.blocks = blocks;
    start.has_length = true;
    start.length = text.size();
    exchange->send_head(start);
    exchange->send_body(Slice::copy_of(text));
    exchange->finish();
  }

  Exchange* exchange;
  std::string method, path, authority, scheme, body, trailers;
  int pieces = 0;
  int drained = 0;
  bool body_done = false;
  bool closed = false;
  bool completed = false;
  std::uint64_t sent = 0, received = 0;
  std::function<void(Seen&)> on_body, when_drained, when_closed;
};

// A server connection on a stream in memory, its host, and the client at the other end. Time stands still
// unless the test moves it.
class ConnectionHarness final : public ConnectionHost {
 public:
  explicit ConnectionHarness(const ServerLimits& limits = {}, std::size_t window_bytes = 1 << 20)
      : loop_(EventLoop::create(clock_).value()) {
    auto [server, client] = memory_stream_pair(*loop_, window_bytes);
    client_ = std::move(client);
    connection_ = ServerConnection::create(*loop_, std::move(server), limits, *this);
    turn();
  }

  // Handlers hear of the connection's end, so they outlive it.
  ~ConnectionHarness() { connection_.reset(); }

  void turn(int times = 6) {
    for (int i = 0; i < times; ++i) loop_->run_once();
  }
  // In steps, as the wheel of timers would see it.
  void pass_ms(std::int64_t ms) {
    clock_.advance_ms(ms);
    turn();
  }
  void send(std::string_view bytes) {
    const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    client_->write(&part, 1);
    turn();
  }
  // Everything that the server has sent and was not yet received.
  std::string receive() {
    std::string all;
    char buffer[65536];
    for (;;) {
      const IoResult result = client_->read(buffer, sizeof buffer);
      if (result.kind == IoResult::Kind::kEof) ended_ = true;
      if (result.kind == IoResult::Kind::kError) reset_ = true;
      if (result.kind != IoResult::Kind::kOk) return all;
      all.append(buffer, result.bytes);
      turn();
    }
  }
  std::string ask(std::string_view bytes) {
    send(bytes);
    return receive();
  }
  bool ended() { return receive(), ended_; }
  bool reset() { return receive(), reset_; }
  bool open() const { return connection_ != nullptr; }
  void client_ends() { client_->shutdown_write(), turn(); }
  void client_leaves(bool by_reset) {
    if (by_reset) client_->reset_on_close();
    client_.reset();
    turn();
  }
  void destroy() { connection_.reset(); }

  Seen& last() { return *seen_.back(); }

  // ConnectionHost
  void on_request(Exchange& exchange) override {
    seen_.push_back(std::make_unique<Seen>(exchange));
    exchange.set_handler(seen_.back().get());
    if (on_request_) on_request_(*seen_.back());
  }
  std::string_view on_bad_request(const BadRequest& bad, const SocketAddress&) override {
    refused_.emplace_back(bad.reason);
    page_ = "refused: " + std::string(bad.reason);
    return page_;
  }
  void on_silent_timeout(SilentTimeout timeout) override { silent_.push_back(timeout); }
  void on_connection_closed(ServerConnection& connection) override {
    received_ += connection.take_bytes_received();
    if (&connection == connection_.get()) connection_.reset();
    ++closed_;
  }

  ManualClock clock_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Stream> client_;
  std::unique_ptr<ServerConnection> connection_;
  std::vector<std::unique_ptr<Seen>> seen_;
  std::vector<std::string> refused_;
  std::vector<SilentTimeout> silent_;
  std::uint64_t received_ = 0;  // by connections that are closed
  std::string page_;
  std::function<void(Seen&)> on_request_ = [](Seen& seen) { seen.answer("hello"); };
  int closed_ = 0;
  bool ended_ = false;
  bool reset_ = false;
};

}  // namespace meridian::http
