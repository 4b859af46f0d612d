// What the RAM tier costs: memory by the kernel's count for each stored object, and the time of a lookup and
// of an insert. Usage: tier_bench [--quick] [--json FILE]
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "bench/measure.h"
#include "edge/tiers/ram_tier.h"

namespace meridian {
namespace {

constexpr std::size_t kBodyBytes = 1024;
constexpr std::size_t kHeadBytes = 200;

std::string key_of(std::size_t i) {
  return "http://www.example.test/objects/" + std::to_string(10'000'000 + i);
}

Ref<Object> object_of(const std::string& key) {
  static const std::string head(kHeadBytes, 'h');
  static const std::string body(kBodyBytes, 'b');
  const Slice slice = Slice::of_static(body);
  return Object::from_fill(key, {}, head, {&slice, 1});
}

// CPU time of all threads, which other load on the machine disturbs less than the time of day.
double nanoseconds_per(std::size_t count, const std::function<void()>& work) {
  const double start = bench::cpu_ns();
  work();
  return (bench::cpu_ns() - start) / static_cast<double>(count);
}

class Figures {
 public:
  void add(const std::string& name, const std::string& unit, double value) {
    std::printf("%-44s %10.1f %s\n", name.c_str(), value, unit.c_str());
    json_ += (json_.empty() ? "" : ",\n") + ("{\"name\":\"" + name) + "\",\"unit\":\"" + unit +
             "\",\"value\":" + std::to_string(value) + "}";
  }
  void write(const char* path) const {
    std::FILE* file = std::fopen(path, "w");
    if (file == nullptr) std::perror(path), std::exit(1);
    std::fprintf(file, "[%s]\n", json_.c_str());
    std::fclose(file);
  }

 private:
  std::string json_;
};

// Looks up keys drawn from the first `keys`, prepared outside the measured time.
double lookup_ns(RamTier& tier, std::size_t keys, std::size_t lookups, unsigned threads) {
  struct Query {
    std::uint64_t hash;
    std::string key;
  };
  std::vector<std::vector<Query>> queries(threads);
  for (unsigned t = 0; t < threads; ++t) {
    std::mt19937_64 random(t + 1);
    for (std::size_t i = 0; i < 100'000; ++i) {
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

void run(bool quick, const char* json_path) {
  const std::size_t count = quick ? 100'000 : 500'000;
  const std::size_t lookups = quick ? 2'000'000 : 10'000'000;
  Figures figures;
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
  figures.add("resident bytes an object", "B", resident);
  figures.add("accounted bytes an object", "B", each(tier.stats().bytes - before_accounted));
  figures.add("over the body", "B", resident - static_cast<double>(kBodyBytes));
  figures.add("over body and head, key included", "B",
              resident - static_cast<double>(kBodyBytes + kHeadBytes));
  figures.add("over body, head and key", "B",
              resident - static_cast<double>(kBodyBytes + kHeadBytes) - key_bytes);
  figures.add("make and insert", "ns", insert_ns);
  for (const std::size_t keys : {std::size_t{1}, std::size_t{1000}, count}) {
    for (const unsigned threads : {1U, 2U}) {
      const std::string name =
          "lookup among " + std::to_string(keys) + ", " + std::to_string(threads) + " threads, each";
      figures.add(name, "ns", lookup_ns(tier, keys, lookups, threads));
    }
  }
  tier.set_capacity(tier.stats().bytes);
  const double evict_ns = nanoseconds_per(count, [&] {
    for (std::size_t i = count; i < 2 * count; ++i) tier.put(object_of(key_of(i)));
  });
  figures.add("make, insert and evict", "ns", evict_ns);
  figures.add("resident bytes an object, after turnover", "B", each(bench::resident_bytes() - before));
  if (json_path != nullptr) figures.write(json_path);
}

}  // namespace
}  // namespace meridian

int main(int argc, char** argv) {
  const auto [quick, json_path] = meridian::bench::options_of(argc, argv, "tier_bench");
  meridian::run(quick, json_path);
}
