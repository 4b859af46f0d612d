// What the RAM tier costs: memory by the kernel's count for each stored object, the time of a lookup and of
// an insert, and how a lookup grows with the number of objects.
//   tier_bench [--quick] [--json FILE] [--only costs|growth]
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "bench/figures.h"
#include "bench/measure.h"
#include "edge/tiers/ram_tier.h"

namespace meridian {
namespace {

constexpr std::size_t kBodyBytes = 1024;
constexpr std::size_t kHeadBytes = 200;

std::string key_of(std::size_t i) {
  return "http://www.example.test/objects/" + std::to_string(10'000'000 + i);
}

Ref<Object> object_of(const std::string& key, std::size_t head_bytes = kHeadBytes,
                      std::size_t body_bytes = kBodyBytes) {
  static const std::string head(kHeadBytes, 'h');
  static const std::string body(kBodyBytes, 'b');
  const Slice slice = Slice::of_static(std::string_view(body).substr(0, body_bytes));
  return Object::from_fill(key, {}, head.substr(0, head_bytes), {&slice, 1});
}

// CPU time of all threads, which other load on the machine disturbs less than the time of day.
double nanoseconds_per(std::size_t count, const std::function<void()>& work) {
  const double start = bench::cpu_ns();
  work();
  return (bench::cpu_ns() - start) / static_cast<double>(count);
}

// Looks up keys drawn from the first `keys`, prepared outside the measured time.
double lookup_ns(RamTier& tier, std::size_t keys, std::size_t lookups, unsigned threads) {
  struct Query {
    std::uint64_t hash;
    std::string key;
  };
  std::vector<std::vector<Query>> queries(threads);
  for (unsigned t = 0; t < threads; ++t) {
    std::mt19937_64 random(t + 1);
    for (std::size_t i = 0; i < 200'000; ++i) {
      std::string key = key_of(random() % keys);
      const std::uint64_t hash = hash_of_key(key);
      queries[t].push_back({hash, std::move(key)});
    }
  }
  const auto work = [&](unsigned t) {
    std::size_t found = 0;
    for (std::size_t i = 0; i < lookups; ++i) {
      const Query& query = queries[t][i % queries[t].size()];
      found += tier.find(query.hash, query.key) ? 1U : 0U;
    }
    if (found != lookups) std::abort();
  };
  return nanoseconds_per(lookups * threads, [&] {
    std::vector<std::thread> others;
    for (unsigned t = 1; t < threads; ++t) others.emplace_back(work, t);
    work(0);
    for (std::thread& other : others) other.join();
  });
}

// Of objects that are hardly more than their keys, so that many fit. Keys in random order: beyond what the
// processor's caches hold, a lookup waits for memory.
void measure_growth(const bench::Options& options, bench::Figures& figures) {
  RamTier tier({.capacity_bytes = 8ULL << 30U});
  std::size_t held = 0;
  for (const std::size_t count : {10'000U, 100'000U, 1'000'000U, 10'000'000U}) {
    if (options.quick && count > 1'000'000) break;
    for (; held < count; ++held) tier.put(object_of(key_of(held), 1, 1));
    figures.add("ram: a lookup that hits at " + std::to_string(count), lookup_ns(tier, count, 2'000'000, 1),
                "ns");
  }
}

void measure_costs(const bench::Options& options, bench::Figures& figures) {
  const std::size_t count = options.quick ? 100'000 : 500'000;
  const std::size_t lookups = options.quick ? 2'000'000 : 10'000'000;
  RamTier tier({.capacity_bytes = 4ULL << 30U});
  const std::size_t before = bench::resident_bytes();
  const std::uint64_t before_accounted = tier.stats().bytes;
  const double insert_ns = nanoseconds_per(count, [&] {
    for (std::size_t i = 0; i < count; ++i) tier.put(object_of(key_of(i)));
  });
  const auto each = [&](std::uint64_t bytes) {
    return static_cast<double>(bytes) / static_cast<double>(count);
  };
  const double resident = each(bench::resident_bytes() - before);
  const auto key_bytes = static_cast<double>(key_of(0).size());
  figures.add("resident bytes an object", resident, "B");
  figures.add("accounted bytes an object", each(tier.stats().bytes - before_accounted), "B");
  figures.add("over the body", resident - static_cast<double>(kBodyBytes), "B");
  const double over_head = resident - static_cast<double>(kBodyBytes + kHeadBytes);
  figures.add("over body and head, key included", over_head, "B");
  figures.add("over body, head and key", over_head - key_bytes, "B");
  figures.add("make and insert", insert_ns, "ns");
  for (const std::size_t keys : {std::size_t{1}, std::size_t{1000}, count}) {
    for (const unsigned threads : {1U, 2U}) {
      const std::string name =
          "lookup among " + std::to_string(keys) + ", " + std::to_string(threads) + " threads, each";
      figures.add(name, lookup_ns(tier, keys, lookups, threads), "ns");
    }
  }
  tier.set_capacity(tier.stats().bytes);
  const double evict_ns = nanoseconds_per(count, [&] {
    for (std::size_t i = count; i < 2 * count; ++i) tier.put(object_of(key_of(i)));
  });
  figures.add("make, insert and evict", evict_ns, "ns");
  figures.add("resident bytes an object, after turnover", each(bench::resident_bytes() - before), "B");
}

int run(const bench::Options& options) {
  bench::Figures figures(options, "tier_bench");
  if (options.wants("costs")) measure_costs(options, figures);
  if (options.wants("growth")) measure_growth(options, figures);
  return figures.end();
}

}  // namespace
}  // namespace meridian

int main(int argc, char** argv) {
  return meridian::run(meridian::bench::options_of(argc, argv, "tier_bench", {"costs", "growth"}));
}
