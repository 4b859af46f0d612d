#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/clock.h"
#include "lib/net/connect.h"
#include "lib/net/event_loop.h"
#include "lib/net/listener.h"
#include "lib/net/stream.h"
#include "origin/upstream/upstream.h"

// What the tests of this room share: an origin on loopback that sends the exact bytes it is told to, and a
// handler that writes down what a fetch says. Both live on one loop under a clock that moves only when told
// to.
namespace meridian::upstream::test {

// One connection that the origin has accepted.
class OriginConnection final : public StreamHandler {
 public:
  explicit OriginConnection(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {
    stream_->set_handler(this);
    stream_->want(true, false);
  }

  void send(std::string_view bytes) {
    unsent_ += bytes;
    flush();
  }
  void send_and_close(std::string_view bytes) {
    send(bytes);
    close_when_sent_ = true;
    flush();
  }
  void close() { stream_.reset(); }
  void reset() {
    stream_->reset_on_close();
    stream_.reset();
  }
  // FIN without whatever the stream would say before it.
  void cut() { ::shutdown(stream_->fd(), SHUT_RDWR); }
  // Stops taking bytes, so that the sender's side fills up.
  void deafen(bool deaf) { stream_->want(!deaf, false); }

  bool open() const { return stream_ != nullptr; }
  bool sent_all() const { return unsent_.empty(); }
  std::string received;
  bool ended = false;  // the other side closed or reset
  // Complete heads received so far.
  std::size_t heads() const {
    std::size_t count = 0;
    for (std::size_t at = received.find("\r\n\r\n"); at != std::string::npos;
         at = received.find("\r\n\r\n", at + 4))
      ++count;
    return count;
  }
  std::function<void(OriginConnection&)> on_bytes;

 private:
  void on_readable() override {
    char buffer[65536];
    const IoResult got = stream_->read(buffer, sizeof buffer);
    if (got.kind == IoResult::Kind::kWouldBlock) return;
    if (got.kind != IoResult::Kind::kOk) {
      ended = true;
      return stream_->want(false, false);
    }
    received.append(buffer, got.bytes);
    if (on_bytes) on_bytes(*this);
  }
  void on_writable() override { flush(); }
  void flush() {
    while (stream_ && !unsent_.empty()) {
      const iovec part{unsent_.data(), unsent_.size()};
      const IoResult sent = stream_->write(&part, 1);
      if (sent.kind != IoResult::Kind::kOk) break;
      unsent_.erase(0, sent.bytes);
    }
    if (!stream_) return;
    if (unsent_.empty() && close_when_sent_) return stream_.reset();
    stream_->want(!ended, !unsent_.empty());
  }

  std::unique_ptr<Stream> stream_;
  std::string unsent_;
  bool close_when_sent_ = false;
};

class ScriptedOrigin {
 public:
  explicit ScriptedOrigin(EventLoop& loop, std::shared_ptr<TlsServerContext> tls = nullptr,
                          const std::string& ip = "127.0.0.1")
      : socket_(ListenSocket::open(SocketAddress::parse(ip + ":0").value()).value()), tls_(tls != nullptr) {
    listener_ =
        std::make_unique<Listener>(loop, socket_, std::move(tls), [this](std::unique_ptr<Stream> stream) {
          connections.push_back(std::make_unique<OriginConnection>(std::move(stream)));
          connections.back()->on_bytes = on_bytes;
        });
  }
  std::string url(const std::string& host = "127.0.0.1") const {
    return (tls_ ? "https://" : "http://") + host + ":" + std::to_string(port());
  }
  std::uint16_t port() const { return socket_.address().port(); }
  // Every head is answered with `response`.
  void always(std::string response) {
    answer_by([response = std::move(response)](OriginConnection& c) {
      if (!c.received.ends_with("\r\n\r\n")) return;
      c.send(response);
    });
  }
  // On connections that are open and on new ones.
  void answer_by(std::function<void(OriginConnection&)> script) {
    on_bytes = std::move(script);
    for (auto& c : connections) c->on_bytes = on_bytes;
  }
  std::size_t heads() const {
    std::size_t sum = 0;
    for (const auto& c : connections) sum += c->heads();
    return sum;
  }
  OriginConnection& at(std::size_t i) { return *connections.at(i); }

  std::vector<std::unique_ptr<OriginConnection>> connections;
  std::function<void(OriginConnection&)> on_bytes;

 private:
  ListenSocket socket_;
  bool tls_;
  std::unique_ptr<Listener> listener_;
};

// Names as the test wants them; literals as themselves.
class FakeResolver final : public Resolver {
 public:
  std::unique_ptr<Operation> resolve(const std::string& host, std::uint16_t port, Done done) override {
    ++questions;
    if (const auto found = names.find(host); found != names.end()) {
      std::vector<SocketAddress> addresses = found->second;
      for (SocketAddress& a : addresses) {
        if (a.port() == 0) a.set_port(port);
      }
      done(std::move(addresses));
    } else if (auto literal = SocketAddress::from_ip(host, port)) {
      done(std::vector<SocketAddress>{*literal});
    } else {
      done(fail(ErrorCode::kUnresolved, ErrorSource::kOrigin, "the name " + host + " has no address"));
    }
    return nullptr;
  }
  std::map<std::string, std::vector<SocketAddress>> names;
  int questions = 0;
};

// Writes down what a fetch says.
class Client final : public FetchHandler {
 public:
  void on_informational(const http::ResponseHead& head) override {
    note("info " + std::to_string(head.status));
  }
  void on_head(const http::ResponseHead& head, std::optional<std::uint64_t> length_in,
               bool no_body_in) override {
    status = head.status;
    length = length_in;
    no_body = no_body_in;
    for (const http::Field& f : head.fields)
      fields += std::string(f.name) + ": " + std::string(f.value) + "\n";
    note("head");
  }
  void on_body(Slice bytes) override {
    body += bytes.view();
    ++pieces;
    if (keep_slices) slices.push_back(bytes);
    note("body");
  }
  void on_done(const http::FieldList& list) override {
    for (const http::Field& f : list) trailers += std::string(f.name) + ": " + std::string(f.value) + "\n";
    done = true;
    note("done");
  }
  void on_error(const Error& e) override {
    error = e;
    note("error");
  }
  void on_request_writable() override { note("writable"); }
  void on_upgraded(const http::ResponseHead& head, std::unique_ptr<Stream> s, Slice bytes) override {
    status = head.status;
    stream = std::move(s);
    early = bytes.view();
    note("upgraded");
  }
  bool over() const { return done || error || stream; }
  bool saw(std::string_view event) const {
    return std::find(events.begin(), events.end(), event) != events.end();
  }

  std::unique_ptr<Fetch> fetch;
  std::vector<std::string> events;
  int status = 0;
  std::optional<std::uint64_t> length;
  bool no_body = false;
  std::string fields, body, trailers, early;
  int pieces = 0;
  bool keep_slices = false;
  std::vector<Slice> slices;
  bool done = false;
  std::optional<Error> error;
  std::unique_ptr<Stream> stream;
  std::function<void(std::string_view)> hook;

 private:
  void note(std::string_view event) {
    events.emplace_back(event);
    if (hook) hook(event);
  }
};

struct Ask {
  std::string_view method = "GET";
  std::string_view path = "/";
  std::string_view block = {};
  bool has_body = false;
  std::optional<std::uint64_t> body_length = {};
  bool upgrade = false;
  std::uint64_t hash = 0;
  std::string_view authority = "www.example.test";
};

class UpstreamTest : public ::testing::Test {
 protected:
  // Makes the group of these targets from `options`.
  void use(const std::vector<std::string>& urls) {
    options.targets.clear();
    for (const std::string& url : urls) options.targets.push_back({.url = url});
    use_options();
  }
  void use_options() {
    shared = make_shared_group(options).value();
    group = Group::create(*loop, resolver, shared);
  }
  std::unique_ptr<Client> start(const Ask& ask = {}) {
    auto client = std::make_unique<Client>();
    start_into(*client, ask);
    return client;
  }
  void start_into(Client& client, const Ask& ask = {}) {
    http::RequestHead head;
    head.method_name = ask.method;
    head.method = http::method_of(ask.method);
    head.path = ask.path;
    head.fields.add("Accept", "*/*");
    Request request;
    request.head = &head;
    request.block = ask.block;
    request.authority = ask.authority;
    request.has_body = ask.has_body;
    request.body_length = ask.body_length;
    request.upgrade = ask.upgrade;
    request.hash = ask.hash;
    client.fetch = group->start(request, client);
  }
  // Starts, lets the origin answer, and waits for the end.
  std::unique_ptr<Client> run(const Ask& ask = {}) {
    auto client = start(ask);
    EXPECT_TRUE(drive([&] { return client->over(); }));
    return client;
  }
  // False when it does not come to pass; the bound is only there to end a broken test.
  bool drive(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      loop->run_once();
    }
    return true;
  }
  // Everything that is under way on loopback arrives.
  void turns(int count = 50) {
    while (count-- > 0) loop->run_once();
  }
  void advance(std::int64_t ms) {
    clock.advance_ms(ms);
    turns();
  }
  TargetState state(std::size_t i = 0) { return snapshot(*shared, clock.mono_ms()).at(i); }
  // A port where nobody listens.
  std::string dead_url() {
    ListenSocket socket = ListenSocket::open(SocketAddress::parse("127.0.0.1:0").value()).value();
    return "http://127.0.0.1:" + std::to_string(socket.address().port());
  }

  ManualClock clock;
  std::unique_ptr<EventLoop> loop = EventLoop::create(clock).value();
  FakeResolver resolver;
  GroupOptions options{.name = "test"};
  std::shared_ptr<SharedGroup> shared;
  std::unique_ptr<Group> group;
};

inline constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

}  // namespace meridian::upstream::test
