// What the SSD tier costs: memory of its index, time to come back after a restart and after kill -9, how a
// lookup grows with the number of objects, write amplification, and CPU for each 64 KiB that is read, beside
// the least that reading and sending them can cost.
//   ssd_bench [--quick] [--check] [--json FILE] [--dir FOLDER] [--only index|recovery|reads|writes]
#include <malloc.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <future>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "bench/measure.h"
#include "bench/ssd/bare_reads.h"
#include "bench/ssd/figures.h"
#include "bench/ssd/sink.h"
#include "edge/tiers/ssd/ssd_reader.h"
#include "edge/tiers/ssd/ssd_tier.h"

namespace meridian::bench {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

struct Settings {
  bool quick = false;
  bool check = false;
  const char* json = nullptr;
  std::string dir = ".";
  std::string only;
};

class Folder {
 public:
  explicit Folder(const std::string& in) {
    std::string pattern = in + "/ssd_bench." + std::string(6, 'X');
    if (::mkdtemp(pattern.data()) == nullptr) std::perror(in.c_str()), std::exit(1);
    path = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path;
};

std::string key_of(std::uint64_t i) {
  return "http://www.example.test/objects/" + std::to_string(10'000'000 + i);
}

Ref<Object> object_of(std::uint64_t i, std::string_view body) {
  static const std::string head(200, 'h');
  const Slice slice = Slice::of_static(body);
  return Object::make_large(key_of(i), {}, head, {&slice, 1});
}

SsdOptions options_for(const std::string& path, std::uint64_t size_bytes) {
  SsdOptions options;
  options.path = path;
  options.size_bytes = size_bytes;
  options.max_object_share = 0.5;
  return options;
}

std::unique_ptr<SsdTier> open_tier(SsdOptions options) {
  auto tier = SsdTier::open(std::move(options));
  if (!tier) std::fprintf(stderr, "%s\n", tier.error().context.c_str()), std::exit(1);
  return std::move(*tier);
}

bool flush(SsdTier& tier) {
  std::promise<bool> durable;
  tier.flush([&](bool done) { durable.set_value(done); });
  return durable.get_future().get();
}

// Puts, and waits for the disk where it lags behind.
void put(SsdTier& tier, const Ref<Object>& object) {
  while (!tier.put(object)) flush(tier);
}

void measure_index(const Settings& settings, Figures& figures) {
  std::vector<std::uint64_t> counts = {10'000, 100'000, 1'000'000};
  if (!settings.quick) counts.push_back(10'000'000);
  const std::uint64_t seed = 42;
  for (const std::uint64_t count : counts) {
    ::malloc_trim(0);
    const std::size_t before = bench::resident_bytes();
    // As a tier of 100 GiB makes it.
    ssd::Index index(14, 7);
    const auto hash_of = [&](std::uint64_t i) {
      return hash_of_key({reinterpret_cast<const char*>(&i), 8}) ^ seed;
    };
    for (std::uint64_t i = 0; i < count; ++i) {
      index.put(hash_of(i), ssd::Place(ssd::kPage + i * 1024, 1024, ssd::Place::Kind::kObject));
    }
    const auto each = [&](std::size_t bytes) {
      return static_cast<double>(bytes) / static_cast<double>(count);
    };
    const std::string of = " at " + std::to_string(count);
    const bool bar = count == 10'000'000;
    figures.add("index: accounted bytes an object" + of, each(index.footprint_bytes()), "B", bar ? 16 : 0);
    figures.add("index: resident bytes an object" + of, each(bench::resident_bytes() - before), "B",
                bar ? 16 : 0);
    std::mt19937_64 random(3);
    const int lookups = 2'000'000;
    std::uint64_t found = 0;
    std::vector<std::uint64_t> hashes(lookups);
    for (auto& hash : hashes) hash = hash_of(random() % count);
    const double start = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    for (const std::uint64_t hash : hashes) found += index.find(hash) ? 1U : 0U;
    const double hit_ns = (seconds_of(CLOCK_THREAD_CPUTIME_ID) - start) * 1e9 / lookups;
    if (found < lookups - 100) std::abort();
    figures.add("index: a lookup that hits" + of, hit_ns, "ns");
    for (auto& hash : hashes) hash = hash_of(count + random() % count);
    const double miss_start = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    found = 0;
    for (const std::uint64_t hash : hashes) found += index.find(hash) ? 1U : 0U;
    figures.add("index: a lookup that misses" + of,
                (seconds_of(CLOCK_THREAD_CPUTIME_ID) - miss_start) * 1e9 / lookups, "ns");
    if (found > 100) std::abort();
  }
}

// A child that fills the tier, says so, and is killed, or ends by itself.
void fill_in_child(const std::string& path, std::uint64_t size_bytes, std::uint64_t count, bool kill_it) {
  int ready[2];
  if (::pipe(ready) != 0) std::abort();
  const pid_t child = ::fork();
  if (child == 0) {
    auto tier = open_tier(options_for(path, size_bytes));
    const std::string body = "b";
    for (std::uint64_t i = 0; i < count; ++i) put(*tier, object_of(i, body));
    if (!flush(*tier)) std::_Exit(1);
    if (!kill_it) tier.reset();
    const char byte = 1;
    if (::write(ready[1], &byte, 1) != 1) std::_Exit(1);
    for (;;) ::pause();
  }
  char byte = 0;
  ::close(ready[1]);
  if (::read(ready[0], &byte, 1) != 1) std::fprintf(stderr, "the child failed\n"), std::exit(1);
  ::close(ready[0]);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

bool finds(SsdTier& tier, std::uint64_t i) {
  auto loop = EventLoop::create();
  if (!loop) std::abort();
  SsdReader reader(tier, **loop);
  bool called = false;
  bool found = false;
  reader.get(key_of(i), [&](Ref<const Object> object) {
    called = true;
    found = static_cast<bool>(object);
  });
  while (!called) (*loop)->run_once();
  return found;
}

void measure_recovery(const Settings& settings, Figures& figures) {
  std::vector<std::uint64_t> counts = {100'000, 1'000'000};
  if (!settings.quick) counts.push_back(10'000'000);
  for (const std::uint64_t count : counts) {
    for (const bool kill_it : {false, true}) {
      const Folder folder(settings.dir);
      const std::uint64_t size_bytes = count * 448 + 512 * kMiB;
      fill_in_child(folder.path, size_bytes, count, kill_it);
      ::malloc_trim(0);
      const std::size_t before = bench::resident_bytes();
      const double start = seconds_of(CLOCK_MONOTONIC);
      const double cpu_start = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
      auto tier = open_tier(options_for(folder.path, size_bytes));
      if (!finds(*tier, 0) || !finds(*tier, count - 1)) std::fprintf(stderr, "not found\n"), std::exit(1);
      const double seconds = seconds_of(CLOCK_MONOTONIC) - start;
      const double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_start;
      const std::string of = std::to_string(count) + (kill_it ? " after kill -9" : " after a clean end");
      const double bar = count == 10'000'000 ? 5 : count == 1'000'000 ? 1 : 0;
      figures.add("recovery: seconds to the first hits, " + of, seconds, "s", bar);
      figures.add("recovery: CPU, " + of, cpu, "s");
      const double back = static_cast<double>(tier->stats().objects) / static_cast<double>(count);
      figures.add("recovery: share that is back, " + of, back * 100, "%");
      if (back < 0.99) std::exit(1);
      ::malloc_trim(0);
      figures.add("recovery: resident bytes an object of the whole tier, " + of,
                  (static_cast<double>(bench::resident_bytes()) - static_cast<double>(before)) /
                      static_cast<double>(count),
                  "B");
    }
  }
}

// Reads random objects, `depth` at a time, and sends each.
class OwnReads {
 public:
  OwnReads(SsdTier& tier, EventLoop& loop, std::uint64_t objects, std::uint64_t reads, const Sink& sink)
      : loop_(loop), reader_(tier, loop), left_(reads), sink_(sink) {
    for (std::uint64_t i = 0; i < objects; ++i) keys_.push_back(key_of(i));
  }
  double run(unsigned depth) {
    const auto reads = static_cast<double>(left_);
    const double before = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    for (unsigned i = 0; i < depth; ++i) ask();
    loop_.run();
    return (seconds_of(CLOCK_THREAD_CPUTIME_ID) - before) / reads;
  }
  bool uses_uring() const { return reader_.uses_uring(); }

 private:
  void ask() {
    if (left_ == 0) {
      if (reader_.under_way() == 0) loop_.stop();
      return;
    }
    --left_;
    const std::string& key = keys_[random_() % keys_.size()];
    reader_
        .find(hash_of_key(key), key,
              [this](SsdFound found) {
                if (!found.object) std::fprintf(stderr, "an object is missing\n"), std::exit(1);
                for (std::size_t i = 0; i < found.object->piece_count(); ++i) {
                  const Slice piece = found.object->piece(i);
                  sink_.send(piece.data, piece.size);
                }
                ask();
              })
        .detach();
  }

  EventLoop& loop_;
  SsdReader reader_;
  std::uint64_t left_;
  const Sink& sink_;
  std::vector<std::string> keys_;
  std::mt19937_64 random_{1};
};

void measure_reads(const Settings& settings, Figures& figures) {
  const Folder folder(settings.dir);
  const std::uint64_t objects = settings.quick ? 2'000 : 20'000;
  const std::uint64_t reads = settings.quick ? 5'000 : 20'000;
  const std::uint64_t size_bytes = objects * 68 * 1024 + 256 * kMiB;
  const std::string body(64 * 1024, 'b');
  {
    auto tier = open_tier(options_for(folder.path, size_bytes));
    for (std::uint64_t i = 0; i < objects; ++i) put(*tier, object_of(i, body));
    if (!flush(*tier)) std::exit(1);
  }
  const std::string file = folder.path + "/meridian.cache";
  const int rounds = settings.quick ? 3 : 5;
  for (const unsigned depth : {1U, 16U}) {
    std::vector<double> bare, own, ratio;
    for (int round = 0; round < rounds; ++round) {
      const Sink sink;
      BareReads limit(file, objects * 66 * 1024, 64 * 1024, depth);
      bare.push_back(limit.run(reads, sink) * 1e6);
      auto tier = open_tier(options_for(folder.path, size_bytes));
      auto loop = EventLoop::create();
      if (!loop) std::exit(1);
      OwnReads reader(*tier, **loop, objects, reads, sink);
      if (!reader.uses_uring()) std::printf("(io_uring is refused here)\n");
      own.push_back(reader.run(depth) * 1e6);
      ratio.push_back(own.back() / bare.back());
    }
    const auto median = [](std::vector<double> of) {
      std::nth_element(of.begin(), of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2), of.end());
      return of[of.size() / 2];
    };
    const std::string of = ", " + std::to_string(depth) + " at a time";
    figures.add("reads: 64 KiB, bare io_uring and send" + of, median(bare), "us");
    figures.add("reads: 64 KiB, by the tier and send" + of, median(own), "us");
    figures.add("reads: the tier beside the bare limit" + of, median(ratio), "x", 1.35);
  }
}

void measure_writes(const Settings& settings, Figures& figures) {
  const std::uint64_t size_bytes = (settings.quick ? 256 : 1024) * kMiB;
  for (const std::uint64_t body_bytes :
       {std::uint64_t{1000}, std::uint64_t{16} << 10, std::uint64_t{64} << 10}) {
    for (const bool hot : {false, true}) {
      const Folder folder(settings.dir);
      auto tier = open_tier(options_for(folder.path, size_bytes));
      auto loop = EventLoop::create();
      if (!loop) std::exit(1);
      SsdReader reader(*tier, **loop);
      const std::string body(body_bytes, 'b');
      const std::uint64_t count = 3 * size_bytes / (body_bytes + 400);
      std::mt19937_64 random(1);
      const double cpu = seconds_of(CLOCK_THREAD_CPUTIME_ID);
      for (std::uint64_t i = 0; i < count; ++i) {
        put(*tier, object_of(i, body));
        // One in ten is asked for again while it is still in memory.
        if (hot && i % 10 == 0) reader.get(key_of(i), [](const Ref<const Object>&) {});
      }
      const double each_us = (seconds_of(CLOCK_THREAD_CPUTIME_ID) - cpu) * 1e6 / static_cast<double>(count);
      if (!flush(*tier)) std::exit(1);
      const ssd::Counters& counters = tier->counters();
      const std::string of = std::to_string(body_bytes) + " bytes" + (hot ? ", a tenth read again" : "");
      figures.add("writes: amplification, " + of,
                  static_cast<double>(counters.written_bytes) / static_cast<double>(counters.put_bytes), "x");
      if (!hot) figures.add("writes: CPU of a put, " + of, each_us, "us");
    }
  }
}

int run(const Settings& settings) {
  Figures figures;
  const auto wanted = [&](const char* what) { return settings.only.empty() || settings.only == what; };
  // First, while this process has no threads: it forks.
  if (wanted("recovery")) measure_recovery(settings, figures);
  if (wanted("index")) measure_index(settings, figures);
  if (wanted("reads")) measure_reads(settings, figures);
  if (wanted("writes")) measure_writes(settings, figures);
  if (settings.json != nullptr) figures.write(settings.json);
  return settings.check && figures.missed() ? 1 : 0;
}

}  // namespace

static bool is_part(const std::string& name) {
  return name == "index" || name == "recovery" || name == "reads" || name == "writes";
}

}  // namespace meridian::bench

int main(int argc, char** argv) {
  meridian::bench::Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const bool more = i + 1 < argc;
    if (argument == "--quick") {
      settings.quick = true;
    } else if (argument == "--check") {
      settings.check = true;
    } else if (argument == "--json" && more) {
      settings.json = argv[++i];
    } else if (argument == "--dir" && more) {
      settings.dir = argv[++i];
    } else if (argument == "--only" && more && meridian::bench::is_part(argv[i + 1])) {
      settings.only = argv[++i];
    } else {
      std::fprintf(stderr,
                   "usage: ssd_bench [--quick] [--check] [--json FILE] [--dir FOLDER] "
                   "[--only index|recovery|reads|writes]\n");
      return 2;
    }
  }
  return meridian::bench::run(settings);
}
