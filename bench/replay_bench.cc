// Replays seeded request streams through the RAM tier's eviction code and through FIFO, LRU and SIEVE, beside
// the most that any policy could reach (each ratio by itself, so no policy reaches both). Object and byte hit
// ratios, each in percent, after a warm-up of a fifth of the stream. Usage: replay_bench [--quick] [--seed N]
// [--json FILE]
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>

#include "bench/replay/policies.h"
#include "bench/replay/workloads.h"

namespace meridian::replay {
namespace {

struct Contender {
  std::string name;
  std::function<std::unique_ptr<Cache>(std::uint64_t capacity)> make;
};

std::vector<Contender> contenders() {
  const auto list = [](ListCache::Kind kind) {
    return [kind](std::uint64_t capacity) { return std::make_unique<ListCache>(kind, capacity); };
  };
  const auto s3_fifo = [](S3Fifo::Options options) {
    return [options](std::uint64_t capacity) {
      return std::make_unique<PolicyCache>(std::make_unique<S3Fifo>(options), capacity);
    };
  };
  return {{"fifo", list(ListCache::Kind::kFifo)},
          {"lru", list(ListCache::Kind::kLru)},
          {"sieve", list(ListCache::Kind::kSieve)},
          {"s3-fifo paper", s3_fifo({.promote_frequency = 2})},
          {"ours", s3_fifo({})}};
}

std::vector<Mix> mixes() {
  return {{.name = "zipf 0.9"},
          {.name = "zipf 1.1", .alpha = 1.1},
          {.name = "churn", .churn_share = 0.05},
          {.name = "scan", .scan_every = 100'000, .scan_length = 50'000},
          {.name = "one-hit wonders", .wonder_share = 0.5},
          {.name = "all of it",
           .wonder_share = 0.25,
           .churn_share = 0.02,
           .scan_every = 200'000,
           .scan_length = 50'000}};
}

struct Ratios {
  double hits;
  double bytes;
};

Ratios replay(const Workload& workload, Cache& cache) {
  const std::size_t warm_up = workload.requests.size() / 5;
  double hits = 0, hit_bytes = 0, bytes = 0;
  for (std::size_t i = 0; i < workload.requests.size(); ++i) {
    const Request& request = workload.requests[i];
    const bool hit = cache.request(request);
    if (i < warm_up) continue;
    bytes += request.bytes;
    hits += hit ? 1 : 0;
    hit_bytes += hit ? request.bytes : 0;
  }
  return {hits / static_cast<double>(workload.requests.size() - warm_up), hit_bytes / bytes};
}

// One row of the table for each stream and size of the cache; the same as lines of JSON.
class Report {
 public:
  explicit Report(const char* json_path)
      : json_(json_path != nullptr ? std::fopen(json_path, "w") : nullptr) {
    if (json_path != nullptr && json_ == nullptr) std::perror(json_path), std::exit(1);
    if (json_ != nullptr) std::fputs("[", json_);
  }
  ~Report() {
    if (json_ == nullptr) return;
    std::fputs("\n]\n", json_);
    std::fclose(json_);
  }
  Report(const Report&) = delete;
  Report& operator=(const Report&) = delete;

  void head(const std::vector<Contender>& all) {
    std::printf("%-16s %6s |", "hits% / bytes%", "cache");
    for (const Contender& contender : all) std::printf(" %13s |", contender.name.c_str());
    std::printf(" %13s\n", "bound");
  }
  void begin_row(const std::string& workload, double share) {
    std::printf("%-16s %5.1f%% |", workload.c_str(), 100 * share);
    if (json_ != nullptr) {
      std::fprintf(json_, "%s\n{\"workload\":\"%s\",\"cache_share\":%g", rows_++ ? "," : "", workload.c_str(),
                   share);
    }
  }
  void cell(const std::string& name, double hits, double bytes) {
    std::printf(" %5.2f / %5.2f |", 100 * hits, 100 * bytes);
    if (json_ != nullptr) std::fprintf(json_, ",\"%s\":[%.5f,%.5f]", name.c_str(), hits, bytes);
  }
  void end_row() {
    std::printf("\n");
    std::fflush(stdout);
    if (json_ != nullptr) std::fputs("}", json_);
  }

 private:
  std::FILE* json_;
  int rows_ = 0;
};

void run(bool quick, std::uint64_t seed, const char* json_path) {
  const std::uint32_t objects = quick ? 50'000 : 200'000;
  const std::size_t requests = quick ? 1'000'000 : 5'000'000;
  std::printf("seed %lu, %u popular objects, %zu requests\n", static_cast<unsigned long>(seed), objects,
              requests);
  Report report(json_path);
  const auto all = contenders();
  report.head(all);
  for (const Mix& mix : mixes()) {
    const Workload workload = Generator(mix, objects, seed).generate(requests);
    for (const double share : {0.005, 0.02, 0.1}) {
      const auto capacity = static_cast<std::uint64_t>(share * static_cast<double>(workload.footprint_bytes));
      report.begin_row(workload.name, share);
      for (const Contender& contender : all) {
        const Ratios ratios = replay(workload, *contender.make(capacity));
        report.cell(contender.name, ratios.hits, ratios.bytes);
      }
      const Bound bound = best_possible(workload, capacity);
      report.cell("bound", bound.hit_ratio, bound.byte_hit_ratio);
      report.end_row();
    }
  }
}

}  // namespace
}  // namespace meridian::replay

int main(int argc, char** argv) {
  bool quick = false;
  std::uint64_t seed = 1;
  const char* json_path = nullptr;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--quick") == 0) {
      quick = true;
    } else if (std::strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
      seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (std::strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
      json_path = argv[++i];
    } else {
      std::fprintf(stderr, "usage: replay_bench [--quick] [--seed N] [--json FILE]\n");
      return 2;
    }
  }
  meridian::replay::run(quick, seed, json_path);
}
