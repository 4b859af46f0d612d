#include "bench/replay/generators.h"

#include <algorithm>
#include <cmath>

namespace meridian::replay {
namespace {

// Requests a second of every made-up stream.
constexpr std::int64_t kRate = 20;
constexpr std::uint64_t kEqualBytes = 16 * 1024;

// Splitmix64: unlike the distributions of the standard library it gives the same numbers everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t x = state_ += 0x9E3779B97F4A7C15ULL;
    x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27U)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31U);
  }
  double unit() { return static_cast<double>(next() >> 11U) * 0x1p-53; }
  double normal() { return std::sqrt(-2 * std::log(1 - unit())) * std::cos(2 * M_PI * unit()); }
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(next() % n); }

 private:
  std::uint64_t state_;
};

// Draws ranks 0..n-1 with probability proportional to 1 / (rank + 1)^alpha.
class Zipf {
 public:
  Zipf(std::uint32_t n, double alpha) : cumulative_(n) {
    double sum = 0;
    for (std::uint32_t rank = 0; rank < n; ++rank) cumulative_[rank] = sum += std::pow(rank + 1, -alpha);
  }
  std::uint32_t operator()(Random& random) const {
    const double at = random.unit() * cumulative_.back();
    return static_cast<std::uint32_t>(std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, at) -
                                      cumulative_.begin());
  }

 private:
  std::vector<double> cumulative_;
};

class Generator {
 public:
  Generator(const Mix& mix, std::uint32_t objects, std::uint64_t seed)
      : mix_(mix),
        scan_every_(static_cast<std::size_t>(mix.scan_every * objects)),
        scan_length_(static_cast<std::size_t>(mix.scan_length * objects)),
        random_(seed),
        zipf_(objects, mix.alpha),
        crowd_(kCrowd, 1.0) {
    for (std::uint32_t i = 0; i < objects; ++i) at_rank_.push_back(new_object());
    for (std::uint32_t i = objects; i > 1; --i) std::swap(at_rank_[i - 1], at_rank_[random_.below(i)]);
  }

  Trace generate(std::size_t count) {
    trace_.name = mix_.name;
    trace_.requests.reserve(count);
    while (trace_.requests.size() < count) step();
    trace_.requests.resize(count);
    drop_unasked();
    return std::move(trace_);
  }

 private:
  // A crowd comes for this many new objects at once, and is gone after this many requests.
  static constexpr std::uint32_t kCrowd = 20;
  static constexpr std::size_t kCrowdLength = 50'000;
  static constexpr std::size_t kBetweenCrowds = 150'000;

  void step() {
    const std::size_t done = trace_.requests.size();
    if (scan_every_ != 0 && done % scan_every_ == scan_every_ - 1) return scan();
    if (random_.unit() < mix_.churn_share) at_rank_[zipf_(random_)] = new_object();
    if (random_.unit() < crowd_share(done)) return add(crowd_at_[crowd_(random_)]);
    add(random_.unit() < mix_.wonder_share ? new_object() : at_rank_[zipf_(random_)]);
  }
  // Rises within a tenth of its length and dies away over the rest.
  double crowd_share(std::size_t done) {
    if (mix_.flash_share == 0) return 0;
    const std::size_t phase = done % kBetweenCrowds;
    if (phase >= kCrowdLength) return 0;
    if (phase == 0 || crowd_at_.empty()) {
      crowd_at_.clear();
      for (std::uint32_t i = 0; i < kCrowd; ++i) crowd_at_.push_back(new_object());
    }
    const double at = static_cast<double>(phase) / static_cast<double>(kCrowdLength);
    return mix_.flash_share * (at < 0.1 ? at / 0.1 : (1 - at) / 0.9);
  }
  // The same cold objects in the same order each time, as a crawler or a backup would ask for them.
  void scan() {
    while (scanned_.size() < scan_length_) scanned_.push_back(new_object());
    for (const ObjectId id : scanned_) add(id);
  }
  void add(ObjectId id) {
    const auto time_ms = static_cast<std::int64_t>(trace_.requests.size()) * 1000 / kRate;
    trace_.requests.push_back({time_ms, id, ttl_s_[id]});
  }
  ObjectId new_object() {
    trace_.object_bytes.push_back(mix_.equal_sizes ? kEqualBytes : draw_bytes());
    const bool short_lived = random_.unit() < mix_.short_ttl_share;
    ttl_s_.push_back(short_lived ? 300 + random_.below(3300) : 0);
    return static_cast<ObjectId>(trace_.object_bytes.size() - 1);
  }
  // A lognormal body of 8 KiB in the median, and a Pareto tail for one object in twenty, up to 8 MiB.
  std::uint64_t draw_bytes() {
    const bool in_tail = random_.below(20) == 0;
    const double bytes =
        in_tail ? 65536 * std::pow(1 - random_.unit(), -1 / 1.1) : 8192 * std::exp(1.2 * random_.normal());
    return static_cast<std::uint64_t>(std::clamp(bytes, 300.0, 8.0 * 1024 * 1024));
  }
  // What was never asked for is no part of the working set.
  void drop_unasked() {
    constexpr ObjectId kNone = ~ObjectId{0};
    std::vector<ObjectId> id_of(trace_.object_bytes.size(), kNone);
    std::vector<std::uint64_t> bytes;
    for (Request& request : trace_.requests) {
      ObjectId& id = id_of[request.id];
      if (id == kNone) {
        id = static_cast<ObjectId>(bytes.size());
        bytes.push_back(trace_.object_bytes[request.id]);
      }
      request.id = id;
    }
    trace_.object_bytes = std::move(bytes);
  }

  const Mix mix_;
  const std::size_t scan_every_;
  const std::size_t scan_length_;
  Random random_;
  Zipf zipf_;
  Zipf crowd_;
  std::vector<ObjectId> at_rank_;
  std::vector<ObjectId> crowd_at_;
  std::vector<ObjectId> scanned_;
  std::vector<std::uint32_t> ttl_s_;
  Trace trace_;
};

}  // namespace

const std::vector<Mix>& mixes() {
  static const std::vector<Mix> all = {
      {.name = "zipf-0.8", .about = "static popularity, equal sizes", .alpha = 0.8, .equal_sizes = true},
      {.name = "zipf-1.0", .about = "static popularity, equal sizes", .alpha = 1.0, .equal_sizes = true},
      {.name = "zipf-heavy", .about = "static popularity, heavy-tailed sizes"},
      {.name = "churn", .about = "one request in twenty makes a rank a new object's", .churn_share = 0.05},
      {.name = "cdn",
       .about = "half for objects asked for once, slow churn",
       .wonder_share = 0.5,
       .churn_share = 0.005},
      {.name = "scan", .about = "a crawl of cold objects now and then", .scan_every = 2, .scan_length = 0.25},
      {.name = "flash",
       .about = "crowds that come at once and die away",
       .churn_share = 0.005,
       .flash_share = 0.5},
      {.name = "mixed",
       .about = "all of it, and short lifetimes",
       .wonder_share = 0.25,
       .churn_share = 0.02,
       .scan_every = 4,
       .scan_length = 0.25,
       .flash_share = 0.3,
       .short_ttl_share = 0.05},
  };
  return all;
}

Trace generate(const Mix& mix, std::uint32_t objects, std::size_t requests, std::uint64_t seed) {
  return Generator(mix, objects, seed).generate(requests);
}

}  // namespace meridian::replay
