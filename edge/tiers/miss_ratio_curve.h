#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lib/base/mutex.h"

namespace meridian {

// What the miss ratio would be with a cache of another size: the stack distances of an LRU cache, by bytes,
// of a sample of the keys (fixed-size SHARDS with its correction: Waldspurger et al., "Efficient MRC
// construction with SHARDS", FAST 2015). A key is sampled for good if its hash is below a threshold, which
// falls as more keys come than there is room for; each sampled request stands for as many as were passed
// over. What is long ago counts half.
//
// Any thread may call it, under a lock of its own. Requests come by way of a MissRatioSampler, which takes
// the lock once for sixteen that are sampled: while there is room for every key, these are sixteen requests;
// with a million keys and 16384 samples, about a thousand.
class MissRatioCurve {
 public:
  struct Sample {
    std::uint64_t hash = 0;  // hash_of_key(key)
    std::uint64_t bytes = 0;
  };
  // Takes no more memory than that, its own size included; with too little for a useful sample it takes none
  // and samples nothing.
  explicit MissRatioCurve(std::size_t memory_bytes);

  // Samples of `requests` requests; those whose hash is not below the threshold are left out. Returns the
  // threshold from now on.
  std::uint64_t add(std::span<const Sample> samples, std::uint64_t requests) EXCLUDES(mutex_);

  struct Point {
    std::uint64_t bytes = 0;
    double miss_ratio = 1;
  };
  struct Curve {
    double requests = 0;  // that it stands for
    std::size_t samples = 0;
    double rate = 0;            // the share of keys that is sampled
    std::vector<Point> points;  // in the order asked for; none before the first requests
  };
  Curve at(std::span<const std::uint64_t> sizes) const EXCLUDES(mutex_);
  std::size_t footprint_bytes() const;

  static constexpr std::size_t kLeastSamples = 256;
  static constexpr std::size_t kMostSamples = 16'384;
  // After so many sampled requests for each sample, all that was counted before counts half.
  static constexpr std::size_t kHalveAfter = 64;

 private:
  static constexpr unsigned kStepsPerDoubling = 8;
  static constexpr unsigned kFirstDoubling = 12;  // 4 KiB
  static constexpr unsigned kDoublings = 36;
  static constexpr std::size_t kSteps = std::size_t{kStepsPerDoubling} * kDoublings;
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  struct Held {
    std::uint64_t hash = 0;
    std::uint64_t bytes = 0;
    std::uint32_t position = 0;  // in the order of last requests, from 1
  };
  struct ByHash {
    std::uint64_t hash;
    std::uint32_t slot;
    bool operator<(const ByHash& other) const { return hash < other.hash; }
  };

  static std::size_t step_of(double bytes);
  static std::size_t bytes_per_sample();
  void request(const Sample& sample) REQUIRES(mutex_);
  void insert(const Sample& sample) REQUIRES(mutex_);
  // Gives its slot.
  std::uint32_t drop_highest() REQUIRES(mutex_);
  void halve() REQUIRES(mutex_);
  void place(std::uint32_t slot, std::uint64_t bytes) REQUIRES(mutex_);
  void renumber() REQUIRES(mutex_);
  // Sums of bytes over positions (Fenwick, 1994); additions wrap around and so may subtract.
  void add_at(std::uint32_t position, std::uint64_t bytes) REQUIRES(mutex_);
  std::uint64_t sum_to(std::uint32_t position) const REQUIRES(mutex_);
  std::size_t find(std::uint64_t hash) const REQUIRES(mutex_);
  void erase_from_table(std::size_t at) REQUIRES(mutex_);

  const std::size_t most_samples_;
  mutable Mutex mutex_;
  std::uint64_t threshold_ GUARDED_BY(mutex_);
  std::vector<Held> held_ GUARDED_BY(mutex_);
  std::vector<std::uint32_t> table_ GUARDED_BY(mutex_);  // slots by hash, open addressing
  std::vector<ByHash> by_hash_ GUARDED_BY(mutex_);       // a heap, highest first
  std::vector<std::uint64_t> sums_ GUARDED_BY(mutex_);   // by position
  std::uint32_t last_position_ GUARDED_BY(mutex_) = 0;
  std::array<double, kSteps> weights_ GUARDED_BY(mutex_){};  // of requests, by stack distance
  double sampled_weight_ GUARDED_BY(mutex_) = 0;             // of all sampled requests
  double requests_ GUARDED_BY(mutex_) = 0;
  std::size_t since_halved_ GUARDED_BY(mutex_) = 0;
};

// One thread's way to the curve: most requests cost an addition and a compare. Belongs to one thread.
class MissRatioSampler {
 public:
  explicit MissRatioSampler(MissRatioCurve& curve) : curve_(curve), threshold_(curve.add({}, 0)) {}
  // Counts a request; true: it is one of the sample, and take() wants to know its size.
  bool wants(std::uint64_t hash) {
    ++requests_;
    return hash < threshold_;
  }
  void take(std::uint64_t hash, std::uint64_t bytes);

 private:
  static constexpr std::size_t kBatch = 16;

  MissRatioCurve& curve_;
  std::uint64_t threshold_;
  std::uint64_t requests_ = 0;
  std::size_t count_ = 0;
  std::array<MissRatioCurve::Sample, kBatch> batch_;
};

}  // namespace meridian
