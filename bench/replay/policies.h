#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "bench/replay/workloads.h"
#include "edge/tiers/s3_fifo.h"

// The RAM tier's own eviction code and the classics beside it, driven without any I/O.
namespace meridian::replay {

class Cache {
 public:
  explicit Cache(std::uint64_t capacity) : capacity_(capacity) {}
  virtual ~Cache() = default;
  // Whether it was a hit; a miss is stored.
  virtual bool request(const Request& request) = 0;

 protected:
  std::uint64_t capacity_;
  std::uint64_t used_ = 0;
};

// FIFO, LRU and SIEVE (Zhang et al., NSDI 2024) over one list, newest in front.
class ListCache final : public Cache {
 public:
  enum class Kind { kFifo, kLru, kSieve };
  ListCache(Kind kind, std::uint64_t capacity) : Cache(capacity), kind_(kind), hand_(list_.end()) {}

  bool request(const Request& request) override {
    const auto held = index_.find(request.id);
    if (held != index_.end()) {
      held->second->visited = true;
      if (kind_ == Kind::kLru) list_.splice(list_.begin(), list_, held->second);
      return true;
    }
    while (!list_.empty() && used_ + request.bytes > capacity_) evict();
    list_.push_front({request, false});
    index_[request.id] = list_.begin();
    used_ += request.bytes;
    return false;
  }

 private:
  struct Item {
    Request request;
    bool visited;
  };
  using Place = std::list<Item>::iterator;

  void evict() {
    Place victim = kind_ == Kind::kSieve ? sieve() : std::prev(list_.end());
    used_ -= victim->request.bytes;
    index_.erase(victim->request.id);
    list_.erase(victim);
  }
  // The hand walks from old to new and spares who was visited since it came by.
  Place sieve() {
    Place at = hand_ == list_.end() ? std::prev(list_.end()) : hand_;
    while (at->visited) {
      at->visited = false;
      at = at == list_.begin() ? std::prev(list_.end()) : std::prev(at);
    }
    hand_ = at == list_.begin() ? list_.end() : std::prev(at);
    return at;
  }

  Kind kind_;
  std::list<Item> list_;
  Place hand_;
  std::unordered_map<std::uint32_t, Place> index_;
};

// An EvictionPolicy of the RAM tier. Ids of the trace serve as entry ids.
class PolicyCache final : public Cache, EvictionPolicy::Entries {
 public:
  PolicyCache(std::unique_ptr<EvictionPolicy> policy, std::uint64_t capacity)
      : Cache(capacity), policy_(std::move(policy)) {
    policy_->set_capacity(capacity);
  }

  bool request(const Request& request) override {
    if (entries_.size() <= request.id) entries_.resize(request.id + 1);
    Entry& entry = entries_[request.id];
    if (entry.bytes != 0) {
      entry.frequency = std::min(entry.frequency + 1, EvictionPolicy::kMaxFrequency);
      return true;
    }
    while (used_ + request.bytes > capacity_) {
      const auto victim = policy_->evict(*this);
      if (!victim) break;
      used_ -= entries_[victim->id].bytes;
      entries_[victim->id] = {};
    }
    entry = {request.bytes, 0};
    used_ += request.bytes;
    policy_->insert(request.id, hash(request.id), request.bytes);
    return false;
  }

 private:
  struct Entry {
    std::uint32_t bytes = 0;  // 0: not held
    unsigned frequency = 0;
  };
  std::uint64_t bytes(EntryId id) override { return entries_[id].bytes; }
  std::uint64_t hash(EntryId id) override {
    std::uint64_t x = id + 0x9E3779B97F4A7C15ULL;
    x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27U)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31U);
  }
  unsigned frequency(EntryId id) override { return entries_[id].frequency; }
  void set_frequency(EntryId id, unsigned frequency) override { entries_[id].frequency = frequency; }

  std::unique_ptr<EvictionPolicy> policy_;
  std::vector<Entry> entries_;
};

// How many requests any policy could serve at best: what Belady's rule is for objects of one size. To turn a
// repeated request into a hit costs its bytes for the time since the last one; the cheapest are taken until
// all of the cache's bytes times the trace's length are spent (PFOO-L, Berger et al., SIGMETRICS 2018).
struct Bound {
  double hit_ratio;
  double byte_hit_ratio;
};

inline Bound best_possible(const Workload& workload, std::uint64_t capacity) {
  struct Interval {
    double length;
    double bytes;
  };
  std::unordered_map<std::uint32_t, std::size_t> last;
  std::vector<Interval> intervals;
  double all_bytes = 0;
  for (std::size_t now = 0; now < workload.requests.size(); ++now) {
    const Request& request = workload.requests[now];
    all_bytes += request.bytes;
    const auto [seen, fresh] = last.try_emplace(request.id, now);
    if (fresh) continue;
    intervals.push_back({static_cast<double>(now - seen->second), static_cast<double>(request.bytes)});
    seen->second = now;
  }
  const double budget = static_cast<double>(capacity) * static_cast<double>(workload.requests.size());
  const auto gain = [&](auto cheaper, auto worth) {
    std::sort(intervals.begin(), intervals.end(), cheaper);
    double spent = 0;
    double sum = 0;
    for (const Interval& interval : intervals) {
      if ((spent += interval.length * interval.bytes) > budget) break;
      sum += worth(interval);
    }
    return sum;
  };
  const double hits =
      gain([](const Interval& a, const Interval& b) { return a.length * a.bytes < b.length * b.bytes; },
           [](const Interval&) { return 1.0; });
  const double hit_bytes = gain([](const Interval& a, const Interval& b) { return a.length < b.length; },
                                [](const Interval& i) { return i.bytes; });
  return {hits / static_cast<double>(workload.requests.size()), hit_bytes / all_bytes};
}

}  // namespace meridian::replay
