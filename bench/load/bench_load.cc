// The load that wrk cannot make: every object once (to fill a cache, or to show that it is filled), objects
// by Zipf's law (with exponent 0 all alike), and TLS handshakes none of which is resumed. Prints one JSON
// object.
//
//   bench_load --port N --connections 32 --mode each --prefix /m/ --count 500000
//   bench_load --port N --mode zipf --prefix /z/ --count 100000 --exponent 1.0 --seconds 5
//   bench_load --port N --mode handshakes --prefix /b/1024 --seconds 5
#include <openssl/ssl.h>
#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "bench/limit/loopback.h"
#include "bench/load/client.h"
#include "bench/measure.h"

namespace meridian::bench {
namespace {

using Clock = std::chrono::steady_clock;

SSL_CTX* tls_without_resumption() {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  // The certificate was made for this run. Its signature over the handshake is checked all the same.
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  return context;
}

// Runs until the time is over, the schedule is at its end, or nothing has happened for ten seconds.
void run(Load& load, std::size_t connections, Clock::time_point until) {
  std::vector<std::unique_ptr<Client>> clients;
  std::size_t alive = 0;
  for (std::size_t i = 0; i < connections; ++i) {
    clients.push_back(std::make_unique<Client>(load));
    if (clients.back()->begin()) ++alive;
  }
  std::array<epoll_event, 256> events;
  while (alive > 0 && !load.tally.over) {
    const int ready = epoll_wait(load.epoll_fd, events.data(), static_cast<int>(events.size()), 10'000);
    if (ready == 0) {
      load.tally.errors += alive;
      return;
    }
    if (Clock::now() >= until) load.tally.over = true;
    for (int i = 0; i < ready; ++i) {
      auto* client = static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (!client->on_event()) --alive;
    }
  }
}

Schedule schedule_of(int argc, char** argv, const std::string& mode) {
  const std::string prefix = option(argc, argv, "--prefix", "/b/1024");
  const std::uint64_t count = option_number(argc, argv, "--count", 1);
  if (mode == "each") return Schedule::each_once(prefix, count);
  if (mode == "zipf") {
    return Schedule::zipf(prefix, count,
                          std::strtod(option(argc, argv, "--exponent", "1.0").c_str(), nullptr));
  }
  return Schedule::one(prefix);
}

}  // namespace
}  // namespace meridian::bench

int main(int argc, char** argv) {
  using namespace meridian::bench;
  std::signal(SIGPIPE, SIG_IGN);
  const std::string mode = option(argc, argv, "--mode", "each");
  Load load;
  load.port = static_cast<std::uint16_t>(option_number(argc, argv, "--port", 0));
  load.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  load.close_after = mode == "handshakes";
  if (load.close_after) load.tls = tls_without_resumption();
  load.schedule = schedule_of(argc, argv, mode);
  const double seconds = std::strtod(option(argc, argv, "--seconds", "86400").c_str(), nullptr);
  const Clock::time_point start = Clock::now();
  run(load, option_number(argc, argv, "--connections", 32),
      start + std::chrono::microseconds(static_cast<std::int64_t>(seconds * 1e6)));
  const double took = std::chrono::duration<double>(Clock::now() - start).count();
  std::printf(
      "{\"requests\": %llu, \"errors\": %llu, \"body_bytes\": %llu, \"resumed\": %llu, \"seconds\": %.3f, "
      "\"p50_us\": %u, \"p99_us\": %u}\n",
      static_cast<unsigned long long>(load.tally.requests),
      static_cast<unsigned long long>(load.tally.errors),
      static_cast<unsigned long long>(load.tally.body_bytes),
      static_cast<unsigned long long>(load.tally.resumed), took, quantile(load.tally.latencies_us, 0.5),
      quantile(load.tally.latencies_us, 0.99));
}
