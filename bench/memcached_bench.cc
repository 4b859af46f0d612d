// What a hit in the region's memcached costs a worker, beside libmemcached's blocking call and a bare
// exchange of the same bytes, in one run against one real memcached. Usage: memcached_bench [--quick] [--json
// FILE] [--check [BARS]]
#include <libmemcached/memcached.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "edge/tiers/memcached/hot_objects.h"
#include "edge/tiers/memcached/memcached_tier.h"

namespace meridian {
namespace {

constexpr int kKeys = 1000;
constexpr std::size_t kHeadBytes = 200;

[[noreturn]] void give_up(const char* why) {
  std::fprintf(stderr, "memcached_bench: %s\n", why);
  std::exit(1);
}

// A memcached of our own, ended with us.
class Server {
 public:
  Server() {
    std::string pattern = (std::filesystem::temp_directory_path() / "memcached-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) give_up("no temporary folder");
    const std::string port_file = pattern + "/port";
    pid_ = fork();
    if (pid_ == 0) {
      setenv("MEMCACHED_PORT_FILENAME", port_file.c_str(), 1);
      execlp("memcached", "memcached", "-u", "root", "-l", "127.0.0.1", "-U", "0", "-t", "1", "-p", "-1",
             "-m", "512", static_cast<char*>(nullptr));
      _exit(127);
    }
    for (int tries = 0; port == 0 && tries < 5000; ++tries) {
      poll(nullptr, 0, 1);
      std::ifstream file(port_file);
      std::string tcp, inet;
      file >> tcp >> inet >> port;
    }
    std::filesystem::remove_all(pattern);
    if (port == 0) give_up("memcached did not start (package memcached)");
  }
  ~Server() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  std::uint16_t port = 0;

 private:
  pid_t pid_;
};

double seconds(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

struct Cost {
  double cpu_us = 0;  // of this process for one hit, user and system
  double p50_us = 0;
  double p99_us = 0;
};

Cost cost_of(std::vector<double> times_us, double cpu_s, int each) {
  std::sort(times_us.begin(), times_us.end());
  return {.cpu_us = cpu_s * 1e6 / static_cast<double>(times_us.size()) / each,
          .p50_us = times_us[times_us.size() / 2],
          .p99_us = times_us[times_us.size() * 99 / 100]};
}

// Runs `one` so often, and says what each run cost.
Cost measure(int runs, const std::function<void(int)>& one) {
  for (int i = 0; i < runs / 10; ++i) one(i);
  std::vector<double> times;
  const double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
  for (int i = 0; i < runs; ++i) {
    const double began = seconds(CLOCK_MONOTONIC);
    one(i);
    times.push_back((seconds(CLOCK_MONOTONIC) - began) * 1e6);
  }
  return cost_of(std::move(times), seconds(CLOCK_PROCESS_CPUTIME_ID) - start, 1);
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
    began_ = seconds(CLOCK_MONOTONIC);
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
    times_us_.push_back((seconds(CLOCK_MONOTONIC) - began_) * 1e6);
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
  double began_ = 0;
};

class Bench {
 public:
  explicit Bench(std::size_t body_bytes)
      : value_bytes_(memcached::content_bytes(*object_of(0, body_bytes)) + memcached::kFixedBytes) {
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
    const double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
    asker.run();
    return cost_of(asker.times(), seconds(CLOCK_PROCESS_CPUTIME_ID) - start, each);
  }

  Cost library(int runs) {
    memcached_st* client = memcached_create(nullptr);
    memcached_behavior_set(client, MEMCACHED_BEHAVIOR_TCP_NODELAY, 1);
    memcached_server_add(client, "127.0.0.1", server_.port);
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
    const SocketAddress address = SocketAddress::from_ip("127.0.0.1", server_.port).value();
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

  Server server_;
  std::unique_ptr<EventLoop> loop_ = EventLoop::create(system_clock()).value();
  std::unique_ptr<Resolver> resolver_ = Resolver::create(*loop_, {});
  std::unique_ptr<memcached::Fleet> fleet_ =
      memcached::Fleet::create({.servers = {{.host = "127.0.0.1", .port = server_.port}},
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
  const double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
  for (int i = 0; i < kHits; ++i) {
    hash = hash * 6364136223846793005ULL + 1442695040888963407ULL;
    written += hot.on_hit((hash >> 50U) * 0x9E3779B97F4A7C15ULL, 1000) ? 1U : 0U;
  }
  if (written == 0) give_up("nothing was hot");
  return (seconds(CLOCK_PROCESS_CPUTIME_ID) - start) * 1e9 / kHits;
}

nlohmann::json run(bool quick) {
  nlohmann::json rows = nlohmann::json::array();
  const auto row = [&](const std::string& what, const std::string& who, const Cost& cost) {
    std::printf("%-28s %-14s %8.2f us CPU   p50 %8.1f us   p99 %8.1f us\n", what.c_str(), who.c_str(),
                cost.cpu_us, cost.p50_us, cost.p99_us);
    rows.push_back({{"name", what},
                    {"who", who},
                    {"cpu_us", cost.cpu_us},
                    {"p50_us", cost.p50_us},
                    {"p99_us", cost.p99_us}});
  };
  const int runs = quick ? 6'000 : 40'000;
  for (const auto& [name, bytes] : {std::pair{"hit-1k", std::size_t{1024}},
                                    {"hit-16k", std::size_t{16384}},
                                    {"hit-60k", std::size_t{60'000}}}) {
    Bench bench(bytes);
    std::vector<Cost> bare, library, one, many;
    for (int round = 0; round < 3; ++round) {
      bare.push_back(bench.bare(runs));
      library.push_back(bench.library(runs));
      one.push_back(bench.tier(runs, 1));
      many.push_back(bench.tier(runs / 32, 32));
    }
    row(name, "bare", median(bare));
    row(name, "libmemcached", median(library));
    row(name, "tier", median(one));
    row(std::string(name) + ", 32 at once", "tier", median(many));
  }
  const double policy = policy_ns();
  std::printf("%-28s %-14s %8.1f ns\n", "which go there, for a hit", "policy", policy);
  rows.push_back({{"name", "policy"}, {"who", "tier"}, {"ns", policy}});
  return rows;
}

// A bar: the tier's CPU time as a multiple of another's in the same run. Says each that is missed.
bool check(const nlohmann::json& rows, const std::string& bars_file) {
  const auto cpu_of = [&](const std::string& name, const std::string& who) {
    for (const auto& row : rows) {
      if (row.at("name") == name && row.at("who") == who) return row.at("cpu_us").get<double>();
    }
    give_up("a bar names a row that is not there");
  };
  std::ifstream file(bars_file);
  const nlohmann::json bars = nlohmann::json::parse(file, nullptr, false);
  if (bars.is_discarded()) give_up("cannot read the bars");
  bool is_well = true;
  for (const auto& [name, bar] : bars.at("memcached").items()) {
    const std::string against = bar.at("against");
    const double ratio = cpu_of(name, "tier") / cpu_of(name, against);
    const bool is_met = ratio <= bar.at("at_most").get<double>();
    std::printf("%s %s: %.2f x %s, at most %.2f\n", is_met ? "met   " : "MISSED", name.c_str(), ratio,
                against.c_str(), bar.at("at_most").get<double>());
    is_well = is_well && is_met;
  }
  return is_well;
}

}  // namespace
}  // namespace meridian

int main(int argc, char** argv) {
  bool quick = false, checks = false;
  std::string json_path, bars = "bench/bars.json";
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--quick") == 0) {
      quick = true;
    } else if (std::strcmp(argv[i], "--check") == 0) {
      checks = true;
      if (i + 1 < argc && argv[i + 1][0] != '-') bars = argv[++i];
    } else if (std::strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
      json_path = argv[++i];
    } else {
      std::fprintf(stderr, "usage: memcached_bench [--quick] [--json FILE] [--check [BARS]]\n");
      return 2;
    }
  }
  const nlohmann::json rows = meridian::run(quick);
  if (!json_path.empty()) std::ofstream(json_path) << rows.dump(2) << "\n";
  return checks && !meridian::check(rows, bars) ? 1 : 0;
}
