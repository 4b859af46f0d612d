#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include "lib/http/server.h"

// What a server connection itself costs for each request: no kernel, no cache, a stream that has the same
// request ready again and again and takes every answer. Also counts allocations, which a hit must not make.
namespace {

std::uint64_t allocations = 0;

}  // namespace

// Not inlined: the compiler would warn of free() for what it takes for its own operator new.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  void* memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using namespace meridian;
using namespace meridian::http;

constexpr std::string_view kRequest =
    "GET /objects/1k.bin HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: wrk/4.1.0\r\nAccept: */*\r\n\r\n";

// What the client sends and gets, without a client.
struct Wire {
  std::string ready;
  std::uint64_t writes = 0;
  StreamHandler* handler = nullptr;
};

class WireStream final : public Stream {
 public:
  explicit WireStream(Wire& wire) : wire_(wire) {}
  void set_handler(StreamHandler* handler) override { wire_.handler = handler; }
  void want(bool, bool) override {}
  IoResult read(char* to, std::size_t size) override {
    const std::size_t taken = std::min(size, wire_.ready.size());
    std::memcpy(to, wire_.ready.data(), taken);
    return {IoResult::Kind::kOk, taken, 0};
  }
  IoResult write(const iovec* parts, int count) override {
    std::size_t all = 0;
    for (int i = 0; i < count; ++i) all += parts[i].iov_len;
    ++wire_.writes;
    return {IoResult::Kind::kOk, all, 0};
  }
  void shutdown_write() override {}
  void reset_on_close() override {}
  const TlsInfo* tls() const override { return nullptr; }
  const SocketAddress& peer() const override { return address_; }
  const SocketAddress& local() const override { return address_; }
  bool stale() const override { return false; }
  int fd() const override { return -1; }

 private:
  Wire& wire_;
  SocketAddress address_;
};

// Answers each request at once, from a block and a body that are there.
class Answerer final : public ConnectionHost, public ExchangeHandler {
 public:
  explicit Answerer(std::size_t body_bytes) : body_(Slice::copy_of(std::string(body_bytes, 'x'))) {}
  void on_request(Exchange& exchange) override {
    exchange.set_handler(this);
    const std::string_view blocks[] = {
        "Content-Type: text/plain\r\nETag: \"x\"\r\nCache-Control: max-age=60\r\n",
        "Age: 12\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\n"};
    exchange.send_head(
        {.status = 200, .reason = {}, .blocks = blocks, .has_length = true, .length = body_.size});
    exchange.send_body(body_);
    exchange.finish();
  }
  std::string_view on_bad_request(const BadRequest&, const SocketAddress&) override { std::abort(); }
  void on_connection_closed(ServerConnection&) override { std::abort(); }
  void on_request_body(std::string_view, bool, const FieldList&) override {}
  void on_drained() override {}
  void on_closed(bool completed) override { answered_ += completed ? 1 : 0; }
  std::uint64_t answered() const { return answered_; }

 private:
  Slice body_;
  std::uint64_t answered_ = 0;
};

void answer(benchmark::State& state) {
  const auto pipelined = static_cast<std::uint64_t>(state.range(1));
  auto loop = EventLoop::create().value();
  Wire wire;
  for (std::uint64_t i = 0; i < pipelined; ++i) wire.ready += kRequest;
  Answerer host(static_cast<std::size_t>(state.range(0)));
  auto connection = ServerConnection::create(*loop, std::make_unique<WireStream>(wire), {}, host);
  for (int i = 0; i < 10; ++i) wire.handler->on_readable();
  const std::uint64_t before = allocations;
  const std::uint64_t answered = host.answered();
  const std::uint64_t writes = wire.writes;
  for (auto _ : state) wire.handler->on_readable();
  const auto requests = static_cast<double>(host.answered() - answered);
  state.SetItemsProcessed(static_cast<std::int64_t>(requests));
  state.counters["allocations_per_request"] = static_cast<double>(allocations - before) / requests;
  state.counters["writes_per_request"] = static_cast<double>(wire.writes - writes) / requests;
}
BENCHMARK(answer)->ArgNames({"body", "pipelined"})->Args({1024, 1})->Args({65536, 1})->Args({1024, 16});

}  // namespace

BENCHMARK_MAIN();
