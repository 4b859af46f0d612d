// What a hit in the region's memcached costs a worker, beside libmemcached's blocking call and a bare
// exchange of the same bytes, in one run against one real memcached. Usage: memcached_bench [--quick] [--json
// FILE] [--check]
#include <libmemcached/memcached.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "bench/figures.h"
#include "bench/measure.h"
#include "edge/tiers/memcached/hot_objects.h"
#include "edge/tiers/memcached/memcached_tier.h"
#include "tests/processes/memcached_process.h"

namespace meridian {
namespace {

constexpr int kKeys = 1000;
constexpr std::size_t kHeadBytes = 200;

[[noreturn]] void give_up(const char* why) {
  std::fprintf(stderr, "memcached_bench: %s\n", why);
  std::exit(1);
}

struct Cost {
  double cpu_us = 0;  // of this process for one hit, user and system
  double p50_us = 0;
  double p99_us = 0;
};

Cost cost_of(std::vector<double> times_us, double cpu_ns, int each) {
  return {.cpu_us = cpu_ns / 1e3 / static_cast<double>(times_us.size()) / each,
          .p50_us = bench::quantile(times_us, 0.5),
          .p99_us = bench::quantile(times_us, 0.99)};
}

double now_us() { return bench::seconds_of(CLOCK_MONOTONIC) * 1e6; }

// Runs `one` so often, and says what each run cost.
Cost measure(int runs, const std::function<void(int)>& one) {
  for (int i = 0; i < runs / 10; ++i) one(i);
  std::vector<double> times;
  const double start = bench::cpu_ns();
  for (int i = 0; i < runs; ++i) {
    const double began = now_us();
    one(i);
    times.push_back(now_us() - began);
  }
  return cost_of(std::move(times), bench::cpu_ns() - start, 1);
}

// The median round by CPU time, as other load on the machine disturbs some.
Cost median(std::vector<Cost> rounds) {
  std::sort(rounds.begin(), rounds.end(), [](const Cost& a, const Cost& b) { return a.cpu_us < b.cpu_us; });
  return rounds[rounds.size() / 2];
}

std::string key_of(int i) { return "http://www.example.test/objects/" + std::to_string(i % kKeys); }

Ref<Object> object_of(int i, std::size_t body_bytes) {
  const std::string body(body_bytes, 'b');
  const Slice slice = Slice::copy_of(body);
  ObjectMeta meta;
  meta.lifetime_s = 3600;
  meta.response_time_s = system_clock().wall_ms() / 1000;
  return Object::from_fill(key_of(i), meta, std::string(kHeadBytes, 'h'), {&slice, 1});
}

// Asks for so many keys at once, so many times.
class Asker {
 public:
  Asker(EventLoop& loop, MemcachedTier& tier, int batches, int each)
      : loop_(loop), tier_(tier), batches_(batches), lookups_(static_cast<std::size_t>(each)) {}
  void run() {
    ask();
    loop_.run();
  }
  const std::vector<double>& times() const { return times_us_; }

 private:
  void ask() {
    began_us_ = now_us();
    answers_ = 0;
    for (auto& lookup : lookups_) {
      lookup = tier_.find(key_of(asked_++), [this](Ref<const Object> object) {
        if (!object) give_up("a hit was none");
        if (++answers_ == lookups_.size()) end_batch();
      });
      if (!lookup) give_up("a lookup was refused");
    }
  }
  void end_batch() {
    times_us_.push_back(now_us() - began_us_);
    if (--batches_ > 0) return ask();
    loop_.stop();
  }

  EventLoop& loop_;
  MemcachedTier& tier_;
  int batches_;
  std::vector<std::unique_ptr<Operation>> lookups_;
  std::vector<double> times_us_;
  int asked_ = 0;
  std::size_t answers_ = 0;
  double began_us_ = 0;
};

class Bench {
 public:
  Bench(std::uint16_t port, std::size_t body_bytes)
      : port_(port),
        value_bytes_(memcached::content_bytes(*object_of(0, body_bytes)) + memcached::kFixedBytes) {
    for (int i = 0; i < kKeys; ++i) {
      tier_.put(object_of(i, body_bytes));
      if (i % 50 == 0) settle();
    }
    settle();
    if (tier_.stats().inserts != kKeys) give_up("not all objects were stored");
  }

  // As a worker does it: `each` lookups in one turn of its loop, and the next ones when they are answered.
  Cost tier(int runs, int each) {
    Asker(*loop_, tier_, runs / 10, each).run();
    Asker asker(*loop_, tier_, runs, each);
    const double start = bench::cpu_ns();
    asker.run();
    return cost_of(asker.times(), bench::cpu_ns() - start, each);
  }

  Cost library(int runs) {
    memcached_st* client = memcached_create(nullptr);
    memcached_behavior_set(client, MEMCACHED_BEHAVIOR_TCP_NODELAY, 1);
    memcached_server_add(client, "127.0.0.1", port_);
    const Cost cost = measure(runs, [&](int run) {
      const memcached::WireKey key(key_of(run));
      std::size_t size = 0;
      std::uint32_t flags = 0;
      memcached_return_t result{};
      char* value = memcached_get(client, key.view().data(), key.view().size(), &size, &flags, &result);
      if (value == nullptr) give_up("libmemcached found nothing");
      std::free(value);
    });
    memcached_free(client);
    return cost;
  }

  // The same bytes there and back on a blocking socket, and nothing else.
  Cost bare(int runs) {
    const SocketAddress address = SocketAddress::from_ip("127.0.0.1", port_).value();
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, address.raw(), address.raw_size()) != 0) give_up("no connection");
    const std::string wire(memcached::WireKey(key_of(0)).view());
    const std::size_t head = ("VALUE " + wire + " 0 " + std::to_string(value_bytes_) + "\r\n").size();
    const std::size_t whole = head + value_bytes_ + std::strlen("\r\nEND\r\n");
    std::vector<char> buffer(whole);
    const Cost cost = measure(runs, [&](int) {
      const std::string question = "get " + wire + "\r\n";
      if (send(fd, question.data(), question.size(), 0) < 0) give_up("bare send");
      for (std::size_t got = 0; got < whole;) {
        const ssize_t now = recv(fd, buffer.data(), buffer.size(), 0);
        if (now <= 0) give_up("bare recv");
        got += static_cast<std::size_t>(now);
      }
    });
    close(fd);
    return cost;
  }

 private:
  void settle() {
    while (!tier_.idle()) loop_->run_once();
  }

  std::uint16_t port_;
  std::unique_ptr<EventLoop> loop_ = EventLoop::create(system_clock()).value();
  std::unique_ptr<Resolver> resolver_ = Resolver::create(*loop_, {});
  std::unique_ptr<memcached::Fleet> fleet_ =
      memcached::Fleet::create({.servers = {{.host = "127.0.0.1", .port = port_}},
                                .max_object_bytes = 1U << 20U,
                                .get_budget_ms = 10'000,
                                .timeout_ms = 10'000,
                                .write_queue_bytes = 1U << 30U})
          .value();
  MemcachedTier tier_{*loop_, *resolver_, *fleet_};
  std::size_t value_bytes_;  // of key 0
};

double policy_ns() {
  memcached::HotObjects hot(64 * 1024, 2);
  constexpr int kHits = 5'000'000;
  std::uint64_t hash = 1, written = 0;
  const double start = bench::cpu_ns();
  for (int i = 0; i < kHits; ++i) {
    hash = hash * 6364136223846793005ULL + 1442695040888963407ULL;
    written += hot.on_hit((hash >> 50U) * 0x9E3779B97F4A7C15ULL, 1000) ? 1U : 0U;
  }
  if (written == 0) give_up("nothing was hot");
  return (bench::cpu_ns() - start) / kHits;
}

// All of one size of a body, in interleaved rounds.
void measure_hits(std::uint16_t port, const std::string& name, std::size_t body_bytes, int runs,
                  bench::Figures& figures) {
  Bench bench(port, body_bytes);
  std::vector<Cost> bare, library, one, many;
  for (int round = 0; round < 3; ++round) {
    bare.push_back(bench.bare(runs));
    library.push_back(bench.library(runs));
    one.push_back(bench.tier(runs, 1));
    many.push_back(bench.tier(runs / 32, 32));
  }
  const auto tell = [&](const std::string& who, const std::vector<Cost>& rounds) {
    const Cost cost = median(rounds);
    figures.add(name + ", " + who + ": CPU", cost.cpu_us, "us");
    figures.add(name + ", " + who + ": p50", cost.p50_us, "us");
    figures.add(name + ", " + who + ": p99", cost.p99_us, "us");
    return cost.cpu_us;
  };
  tell("bare", bare);
  const double library_us = tell("libmemcached", library);
  const double tier_us = tell("tier", one);
  tell("tier, 32 at once", many);
  figures.add(name + ", the tier beside libmemcached: CPU", tier_us / library_us, "x");
}

int run(const bench::Options& options) {
  test::MemcachedProcess server({"-m", "512"});
  if (!server.start()) give_up("memcached did not start (package memcached)");
  bench::Figures figures(options, "memcached");
  const int runs = options.quick ? 6'000 : 40'000;
  measure_hits(server.port(), "hit of 1 KiB", 1024, runs, figures);
  measure_hits(server.port(), "hit of 16 KiB", 16384, runs, figures);
  measure_hits(server.port(), "hit of 60,000 B", 60'000, runs, figures);
  figures.add("which go there: CPU of a hit in memory", policy_ns(), "ns");
  return figures.end();
}

}  // namespace
}  // namespace meridian

int main(int argc, char** argv) {
  return meridian::run(meridian::bench::options_of(argc, argv, "memcached_bench"));
}
