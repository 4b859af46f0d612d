// What the SSD tier costs: memory of its index, time to come back after a restart and after kill -9, how a
// lookup grows with the number of objects, write amplification, and CPU for each 64 KiB that is read, beside
// the least that reading and sending them can cost.
//   ssd_bench [--quick] [--check] [--json FILE] [--dir FOLDER] [--only index|recovery|reads|writes]
#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "bench/figures.h"
#include "bench/measure.h"
#include "bench/ssd/bare_reads.h"
#include "bench/ssd/sink.h"
#include "edge/tiers/ssd/ssd_reader.h"
#include "edge/tiers/ssd/ssd_tier.h"
#include "tests/processes/child.h"
#include "tests/processes/temporary_folder.h"

namespace meridian::bench {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr auto kAlsoWhenKilled = test::TemporaryFolder::Removal::kAlsoWhenKilled;

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

void measure_index(const Options& options, Figures& figures) {
  std::vector<std::uint64_t> counts = {10'000, 100'000, 1'000'000};
  if (!options.quick) counts.push_back(10'000'000);
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
    figures.add("index: accounted bytes an object" + of, each(index.footprint_bytes()), "B");
    figures.add("index: resident bytes an object" + of, each(bench::resident_bytes() - before), "B");
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
  const pid_t child = test::fork_child();
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
  test::kill_child(child);
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

struct Recovery {
  double seconds = 0;  // from opening to the first and the last object
  double cpu_seconds = 0;
  double share = 0;  // of the objects, that is back
  double resident_bytes = 0;
};

Recovery recover(const std::string& path, std::uint64_t size_bytes, std::uint64_t count) {
  const std::size_t before = resident_bytes();
  const double start = seconds_of(CLOCK_MONOTONIC);
  const double cpu_start = cpu_ns();
  auto tier = open_tier(options_for(path, size_bytes));
  if (!finds(*tier, 0) || !finds(*tier, count - 1)) std::fprintf(stderr, "not found\n"), std::exit(1);
  Recovery taken;
  taken.seconds = seconds_of(CLOCK_MONOTONIC) - start;
  taken.cpu_seconds = (cpu_ns() - cpu_start) / 1e9;
  taken.share = static_cast<double>(tier->stats().objects) / static_cast<double>(count);
  ::malloc_trim(0);
  taken.resident_bytes = static_cast<double>(resident_bytes()) - static_cast<double>(before);
  return taken;
}

// In a process of its own, as after a restart: with nothing in memory that was there before.
Recovery recover_in_child(const std::string& path, std::uint64_t size_bytes, std::uint64_t count) {
  int answer[2];
  if (::pipe(answer) != 0) std::abort();
  const pid_t child = test::fork_child();
  if (child == 0) {
    const Recovery taken = recover(path, size_bytes, count);
    std::_Exit(::write(answer[1], &taken, sizeof taken) == sizeof taken ? 0 : 1);
  }
  Recovery taken;
  ::close(answer[1]);
  if (::read(answer[0], &taken, sizeof taken) != sizeof taken) std::exit(1);
  ::close(answer[0]);
  test::kill_child(child);
  return taken;
}

void measure_recovery(const Options& options, Figures& figures) {
  std::vector<std::uint64_t> counts = {100'000, 1'000'000};
  if (!options.quick) counts = {100'000, 300'000, 1'000'000, 3'000'000, 10'000'000};
  for (const std::uint64_t count : counts) {
    for (const bool kill_it : {false, true}) {
      const test::TemporaryFolder folder(options.dir, kAlsoWhenKilled);
      const std::uint64_t size_bytes = count * 448 + 512 * kMiB;
      fill_in_child(folder.path(), size_bytes, count, kill_it);
      const Recovery taken = recover_in_child(folder.path(), size_bytes, count);
      const std::string of = std::to_string(count) + (kill_it ? " after kill -9" : " after a clean end");
      figures.add("recovery: seconds to the first hits, " + of, taken.seconds, "s");
      figures.add("recovery: CPU, " + of, taken.cpu_seconds, "s");
      figures.add("recovery: share that is back, " + of, taken.share * 100, "%");
      if (taken.share < 0.99) std::exit(1);
      figures.add("recovery: resident bytes an object of the whole tier, " + of,
                  taken.resident_bytes / static_cast<double>(count), "B");
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

void measure_reads(const Options& options, Figures& figures) {
  const test::TemporaryFolder folder(options.dir, kAlsoWhenKilled);
  const std::uint64_t objects = options.quick ? 2'000 : 20'000;
  const std::uint64_t reads = options.quick ? 5'000 : 20'000;
  const std::uint64_t size_bytes = objects * 68 * 1024 + 256 * kMiB;
  const std::string body(64 * 1024, 'b');
  {
    auto tier = open_tier(options_for(folder.path(), size_bytes));
    for (std::uint64_t i = 0; i < objects; ++i) put(*tier, object_of(i, body));
    if (!flush(*tier)) std::exit(1);
  }
  const std::string file = folder.path("meridian.cache");
  const int rounds = options.quick ? 3 : 5;
  for (const unsigned depth : {1U, 16U}) {
    std::vector<double> bare, own, ratio;
    for (int round = 0; round < rounds; ++round) {
      const Sink sink;
      BareReads limit(file, objects * 66 * 1024, 64 * 1024, depth);
      bare.push_back(limit.run(reads, sink) * 1e6);
      auto tier = open_tier(options_for(folder.path(), size_bytes));
      auto loop = EventLoop::create();
      if (!loop) std::exit(1);
      OwnReads reader(*tier, **loop, objects, reads, sink);
      if (!reader.uses_uring()) std::printf("(io_uring is refused here)\n");
      own.push_back(reader.run(depth) * 1e6);
      ratio.push_back(own.back() / bare.back());
    }
    const std::string of = ", " + std::to_string(depth) + " at a time";
    figures.add("reads: 64 KiB, bare io_uring and send" + of, median(bare), "us");
    figures.add("reads: 64 KiB, by the tier and send" + of, median(own), "us");
    figures.add("reads: the tier beside the bare limit" + of, median(ratio), "x");
  }
}

void measure_writes(const Options& options, Figures& figures) {
  const std::uint64_t size_bytes = (options.quick ? 256 : 1024) * kMiB;
  for (const std::uint64_t body_bytes :
       {std::uint64_t{1000}, std::uint64_t{16} << 10, std::uint64_t{64} << 10}) {
    for (const bool hot : {false, true}) {
      const test::TemporaryFolder folder(options.dir, kAlsoWhenKilled);
      auto tier = open_tier(options_for(folder.path(), size_bytes));
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

int run(const Options& options) {
  Figures figures(options, "ssd");
  // First, while this process has no threads: it forks.
  if (options.wants("recovery")) measure_recovery(options, figures);
  if (options.wants("index")) measure_index(options, figures);
  if (options.wants("reads")) measure_reads(options, figures);
  if (options.wants("writes")) measure_writes(options, figures);
  return figures.end();
}

}  // namespace
}  // namespace meridian::bench

int main(int argc, char** argv) {
  using namespace meridian::bench;
  return run(options_of(argc, argv, "ssd_bench", {"index", "recovery", "reads", "writes"}));
}
