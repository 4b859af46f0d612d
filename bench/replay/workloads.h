#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

// Seeded request streams that resemble what an edge sees, for comparing eviction policies.
namespace meridian::replay {

struct Request {
  std::uint32_t id;
  std::uint32_t bytes;
};

struct Workload {
  std::string name;
  std::vector<Request> requests;
  std::uint64_t footprint_bytes = 0;  // all distinct objects together
};

// Draws ranks 0..n-1 with probability proportional to 1 / (rank + 1)^alpha.
class Zipf {
 public:
  Zipf(std::uint32_t n, double alpha) : cumulative_(n) {
    double sum = 0;
    for (std::uint32_t rank = 0; rank < n; ++rank) cumulative_[rank] = sum += std::pow(rank + 1, -alpha);
  }
  std::uint32_t operator()(std::mt19937_64& random) const {
    const double at = std::uniform_real_distribution<double>(0, cumulative_.back())(random);
    return static_cast<std::uint32_t>(std::upper_bound(cumulative_.begin(), cumulative_.end(), at) -
                                      cumulative_.begin());
  }

 private:
  std::vector<double> cumulative_;
};

// What a stream is made of besides its popular objects.
struct Mix {
  std::string name;
  double alpha = 0.9;
  double wonder_share = 0;       // requests for objects that nobody asks for twice
  double churn_share = 0;        // requests after which some rank belongs to a new object
  std::uint32_t scan_every = 0;  // requests between scans
  std::uint32_t scan_length = 0;
};

class Generator {
 public:
  Generator(const Mix& mix, std::uint32_t objects, std::uint64_t seed)
      : mix_(mix), random_(seed), zipf_(objects, mix.alpha), id_of_rank_(objects), next_id_(objects) {
    for (std::uint32_t rank = 0; rank < objects; ++rank) id_of_rank_[rank] = rank;
    std::shuffle(id_of_rank_.begin(), id_of_rank_.end(), random_);
  }

  Workload generate(std::size_t count) {
    workload_.name = mix_.name;
    workload_.requests.reserve(count);
    while (workload_.requests.size() < count) step();
    std::vector<bool> seen(next_id_);
    for (const Request& request : workload_.requests) {
      if (!seen[request.id]) workload_.footprint_bytes += request.bytes;
      seen[request.id] = true;
    }
    return std::move(workload_);
  }

 private:
  void step() {
    const auto done = static_cast<std::uint32_t>(workload_.requests.size());
    if (mix_.scan_every != 0 && done % mix_.scan_every == mix_.scan_every - 1) return scan();
    if (chance(mix_.churn_share)) id_of_rank_[zipf_(random_)] = next_id_++;
    add(chance(mix_.wonder_share) ? next_id_++ : id_of_rank_[zipf_(random_)]);
  }
  // The same cold objects in the same order each time, as a crawler or a backup would ask for them.
  void scan() {
    if (scan_first_ == 0) {
      scan_first_ = next_id_;
      next_id_ += mix_.scan_length;
    }
    for (std::uint32_t i = 0; i < mix_.scan_length; ++i) add(scan_first_ + i);
  }
  bool chance(double share) {
    return share > 0 && std::uniform_real_distribution<double>(0, 1)(random_) < share;
  }
  void add(std::uint32_t id) { workload_.requests.push_back({id, bytes_of(id)}); }

  // A lognormal body of 8 KiB in the median and a Pareto tail for one object in twenty, up to 8 MiB; always
  // the same for the same object.
  static std::uint32_t bytes_of(std::uint32_t id) {
    std::mt19937 random(id * 2654435761U + 1);
    const double body = std::lognormal_distribution<double>(std::log(8192.0), 1.2)(random);
    const double tail = 65536 * std::pow(1 - std::uniform_real_distribution<double>(0, 1)(random), -1 / 1.1);
    const bool in_tail = random() % 20 == 0;
    return static_cast<std::uint32_t>(std::clamp(in_tail ? tail : body, 300.0, 8.0 * 1024 * 1024));
  }

  Mix mix_;
  std::mt19937_64 random_;
  Zipf zipf_;
  std::vector<std::uint32_t> id_of_rank_;
  std::uint32_t next_id_;
  std::uint32_t scan_first_ = 0;
  Workload workload_;
};

}  // namespace meridian::replay
