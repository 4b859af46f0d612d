#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/check.h"
#include "lib/base/clock.h"
#include "lib/http/server.h"
#include "lib/net/memory_stream.h"

// A server connection that gets arbitrary bytes in arbitrary cuts, while its handlers do what the path of a
// request says. The first three bytes choose the cuts, the client's window and when it stops. Every exchange
// must end exactly once, and nothing may outlive the connection.
using namespace meridian;
using namespace meridian::http;

namespace {

class Host;

class Handler final : public ExchangeHandler {
 public:
  Handler(Exchange& exchange, Host& host)
      : exchange_(&exchange), host_(host), path_(exchange.request().path) {}
  void begin();
  void later();
  void on_request_body(std::string_view bytes, bool last, const FieldList&) override;
  void on_drained() override { CHECK(exchange_ != nullptr); }
  void on_closed(bool) override;
  bool closed() const { return exchange_ == nullptr; }

 private:
  bool is(std::string_view path) const { return path_.starts_with(path); }
  void answer();

  Exchange* exchange_;
  Host& host_;
  std::string path_;
  std::uint64_t body_bytes_ = 0;
};

class Host final : public ConnectionHost {
 public:
  explicit Host(std::size_t window) : loop_(EventLoop::create(clock_).value()) {
    auto [server, client] = memory_stream_pair(*loop_, window);
    client_ = std::move(client);
    ServerLimits limits;
    limits.request_line_bytes = 128;
    limits.header_bytes = 512;
    limits.body_bytes = 4096;
    limits.requests_per_connection = 64;
    connection_ = ServerConnection::create(*loop_, std::move(server), limits, *this);
  }
  ~Host() {
    connection_.reset();
    for (const auto& handler : handlers_) CHECK(handler->closed());
  }
  void on_request(Exchange& exchange) override {
    for (const auto& handler : handlers_) CHECK(handler->closed());
    handlers_.push_back(std::make_unique<Handler>(exchange, *this));
    exchange.set_handler(handlers_.back().get());
    handlers_.back()->begin();
  }
  std::string_view on_bad_request(const BadRequest& bad, const SocketAddress&) override {
    CHECK(bad.status >= 400 && !bad.reason.empty());
    return bad.reason;
  }
  void on_connection_closed(ServerConnection& connection) override {
    CHECK(&connection == connection_.get());
    connection_.reset();
  }
  void drop() { connection_.reset(); }
  void keep(std::unique_ptr<Stream> stream) { tunnels_.push_back(std::move(stream)); }

  void turn() {
    for (int i = 0; i < 3; ++i) loop_->run_once();
    if (!handlers_.empty() && !handlers_.back()->closed()) handlers_.back()->later();
    loop_->run_once();
  }
  void read_some() {
    char buffer[512];
    client_->read(buffer, sizeof buffer);
  }

  ManualClock clock_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Stream> client_;
  std::vector<std::unique_ptr<Handler>> handlers_;
  std::vector<std::unique_ptr<Stream>> tunnels_;
  std::unique_ptr<ServerConnection> connection_;
};

void Handler::begin() {
  if (is("/late")) return;
  if (is("/abort")) return exchange_->abort();
  if (is("/drop")) return host_.drop();
  if (is("/upgrade")) {
    Exchange::Tunnel tunnel = exchange_->upgrade({.status = 101, .reason = {}, .blocks = {}});
    exchange_ = nullptr;
    host_.keep(std::move(tunnel.stream));
    return;
  }
  if (is("/unread") || !exchange_->has_request_body()) return answer();
  exchange_->read_body();
}

void Handler::later() {
  if (is("/late")) answer();
}

void Handler::on_request_body(std::string_view bytes, bool last, const FieldList& trailers) {
  CHECK(exchange_ != nullptr);
  body_bytes_ += bytes.size();
  CHECK(body_bytes_ <= 4096);
  CHECK(last || trailers.empty());
  if (last) return answer();
  exchange_->read_body();
}

void Handler::answer() {
  ResponseStart start;
  start.has_length = is("/length");
  start.length = 3;
  exchange_->send_informational(103, "Link: <x>\r\n");
  exchange_->send_head(start);
  exchange_->send_body(Slice::of_static("abc"));
  if (is("/large")) exchange_->send_body(Slice::copy_of(std::string(20000, 'x')));
  exchange_->finish("X-T: 1\r\n");
  path_.clear();
}

void Handler::on_closed(bool) {
  CHECK(exchange_ != nullptr);
  exchange_->bytes_sent();
  exchange_ = nullptr;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::size_t cut = std::size_t{data[0]} * 3 + 1;
  Host host(std::size_t{data[1]} * 64 + 64);
  const bool reads = data[2] % 4 != 0;
  std::string_view rest(reinterpret_cast<const char*>(data + 3), size - 3);
  for (int stuck = 0; !rest.empty() && stuck < 8;) {
    const iovec part{const_cast<char*>(rest.data()), std::min(cut, rest.size())};
    const IoResult result = host.client_->write(&part, 1);
    if (result.kind == IoResult::Kind::kError) break;
    rest.remove_prefix(result.bytes);
    stuck = result.bytes == 0 ? stuck + 1 : 0;
    host.turn();
    if (reads) host.read_some();
    host.clock_.advance_ms(data[2]);
  }
  if (data[2] % 3 == 0 && host.connection_ != nullptr) host.connection_->drain();
  if (data[2] % 3 == 1) host.client_->shutdown_write();
  if (data[2] % 3 == 2) host.client_.reset();
  for (int i = 0; i < 8; ++i) host.turn();
  host.clock_.advance_ms(200'000);
  for (int i = 0; i < 8; ++i) host.turn();
  return 0;
}
