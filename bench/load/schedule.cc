#include "bench/load/schedule.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <utility>

namespace meridian::bench {
namespace {

constexpr std::size_t kDrawn = std::size_t{1} << 20U;
constexpr std::uint32_t kSeed = 20220101;

}  // namespace

Schedule Schedule::one(std::string path) {
  Schedule schedule;
  schedule.prefix_ = std::move(path);
  return schedule;
}

Schedule Schedule::each_once(std::string prefix, std::uint64_t count) {
  Schedule schedule;
  schedule.kind_ = Kind::kEachOnce;
  schedule.prefix_ = std::move(prefix);
  schedule.left_ = count;
  return schedule;
}

Schedule Schedule::zipf(std::string prefix, std::uint64_t count, double exponent) {
  Schedule schedule;
  schedule.kind_ = Kind::kZipf;
  schedule.prefix_ = std::move(prefix);
  std::vector<double> cumulative(count);
  double sum = 0;
  for (std::size_t rank = 0; rank < cumulative.size(); ++rank) {
    sum += std::pow(static_cast<double>(rank + 1), -exponent);
    cumulative[rank] = sum;
  }
  // Which id has which rank is shuffled, so that popular objects were not all stored one after the other.
  std::mt19937 random(kSeed);
  std::vector<std::uint32_t> id_of_rank(count);
  std::iota(id_of_rank.begin(), id_of_rank.end(), 0U);
  std::shuffle(id_of_rank.begin(), id_of_rank.end(), random);
  std::uniform_real_distribution<double> uniform(0, sum);
  schedule.drawn_.reserve(kDrawn);
  for (std::size_t i = 0; i < kDrawn; ++i) {
    const auto rank =
        std::lower_bound(cumulative.begin(), cumulative.end(), uniform(random)) - cumulative.begin();
    schedule.drawn_.push_back(id_of_rank[std::min(static_cast<std::size_t>(rank), id_of_rank.size() - 1)]);
  }
  return schedule;
}

bool Schedule::next(std::string& path) {
  path = prefix_;
  switch (kind_) {
    case Kind::kOne:
      return true;
    case Kind::kEachOnce:
      if (at_ == left_) return false;
      path += std::to_string(at_++);
      return true;
    case Kind::kZipf:
      path += std::to_string(drawn_[at_++ % drawn_.size()]);
      return true;
  }
  return false;
}

}  // namespace meridian::bench
