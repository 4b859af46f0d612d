#include "bench/replay/belady.h"

#include <algorithm>
#include <queue>

namespace meridian::replay {
namespace {

constexpr std::uint64_t kNever = ~std::uint64_t{0};

// For each request that the rules let in, the number of the next one for the same object.
std::vector<std::uint64_t> next_uses(const Trace& trace, const Rules& rules) {
  std::vector<std::uint64_t> next;
  std::vector<std::uint64_t> last(trace.object_bytes.size(), kNever);
  for (const Request& request : trace.requests) {
    if (trace.object_bytes[request.id] > rules.max_object_bytes) continue;
    if (last[request.id] != kNever) next[last[request.id]] = next.size();
    last[request.id] = next.size();
    next.push_back(kNever);
  }
  return next;
}

class BeladyCache final : public Cache {
 public:
  BeladyCache(const Trace& trace, const Rules& rules, std::uint64_t capacity)
      : Cache(trace.object_bytes, capacity), next_(next_uses(trace, rules)), used_at_(sizes_.size(), 0) {}

  bool request(ObjectId id) override {
    const std::uint64_t next = next_[now_++];
    const bool hit = used_at_[id] != 0;
    if (!hit) used_ += bytes_of(id);
    used_at_[id] = next == kNever ? kNever : next + 1;
    order_.push({next, id});
    while (used_ > capacity_) evict();
    return hit;
  }

 private:
  struct Use {
    std::uint64_t next;
    ObjectId id;
    bool operator<(const Use& other) const { return next < other.next; }
  };
  // Entries that are not the object's latest are left from before its last use.
  void evict() {
    const Use use = order_.top();
    order_.pop();
    if (used_at_[use.id] != (use.next == kNever ? kNever : use.next + 1)) return;
    used_at_[use.id] = 0;
    used_ -= bytes_of(use.id);
  }

  const std::vector<std::uint64_t> next_;
  std::vector<std::uint64_t> used_at_;  // by object: one more than its next use; 0: not held
  std::priority_queue<Use> order_;
  std::uint64_t now_ = 0;
};

class BeladySizeCache final : public Cache {
 public:
  BeladySizeCache(const Trace& trace, const Rules& rules, std::uint64_t capacity)
      : Cache(trace.object_bytes, capacity), next_(next_uses(trace, rules)), entries_(sizes_.size()) {}

  bool request(ObjectId id) override {
    Entry& entry = entries_[id];
    const bool hit = entry.place != kNowhere;
    entry.next = next_[now_++];
    if (!hit) {
      entry.place = static_cast<std::uint32_t>(held_.size());
      held_.push_back(id);
      used_ += bytes_of(id);
    }
    while (used_ > capacity_) evict(id);
    return hit;
  }

 private:
  static constexpr std::uint32_t kNowhere = ~std::uint32_t{0};
  static constexpr int kDrawn = 64;
  struct Entry {
    std::uint64_t next = kNever;
    std::uint32_t place = kNowhere;  // in held_
  };

  double cost(ObjectId id) const {
    const std::uint64_t next = entries_[id].next;
    const double until = next == kNever ? 1e18 : static_cast<double>(next - now_ + 1);
    return until * static_cast<double>(bytes_of(id));
  }
  void evict(ObjectId newcomer) {
    ObjectId victim = entries_[newcomer].place != kNowhere ? newcomer : held_.front();
    for (int i = 0; i < kDrawn; ++i) {
      random_ = random_ * 6364136223846793005ULL + 1442695040888963407ULL;
      const ObjectId other = held_[(random_ >> 33U) % held_.size()];
      if (cost(other) > cost(victim)) victim = other;
    }
    Entry& entry = entries_[victim];
    entries_[held_.back()].place = entry.place;
    held_[entry.place] = held_.back();
    held_.pop_back();
    entry.place = kNowhere;
    used_ -= bytes_of(victim);
  }

  const std::vector<std::uint64_t> next_;
  std::vector<Entry> entries_;
  std::vector<ObjectId> held_;
  std::uint64_t random_ = 1;
  std::uint64_t now_ = 0;
};

// A request that could have been a hit, and what that would have taken of the cache in the counted time.
struct Chance {
  double time;
  double bytes;
};

// The most that the sum of worth() over chances can be within the budget, cheapest first, the last in part.
template <class Cheaper, class Worth>
double most(std::vector<Chance>& chances, double budget, Cheaper cheaper, Worth worth) {
  std::sort(chances.begin(), chances.end(), cheaper);
  double sum = 0;
  for (const Chance& chance : chances) {
    const double cost = chance.time * chance.bytes;
    if (cost > budget) return sum + worth(chance) * budget / cost;
    budget -= cost;
    sum += worth(chance);
  }
  return sum;
}

}  // namespace

std::unique_ptr<Cache> make_belady(const Trace& trace, const Rules& rules, std::uint64_t capacity) {
  return std::make_unique<BeladyCache>(trace, rules, capacity);
}

std::unique_ptr<Cache> make_belady_size(const Trace& trace, const Rules& rules, std::uint64_t capacity) {
  return std::make_unique<BeladySizeCache>(trace, rules, capacity);
}

Ratios upper_bound(const Trace& trace, const Rules& rules, std::uint64_t capacity) {
  const auto warm_up =
      static_cast<std::size_t>(rules.warm_up_share * static_cast<double>(trace.requests.size()));
  struct Last {
    std::uint64_t at = kNever;
    std::int64_t fresh_until_ms = 0;
  };
  std::vector<Last> last(trace.object_bytes.size());
  std::vector<Chance> chances;
  double bytes = 0;
  for (std::size_t now = 0; now < trace.requests.size(); ++now) {
    const Request& request = trace.requests[now];
    const std::uint64_t size = trace.object_bytes[request.id];
    if (now >= warm_up) bytes += static_cast<double>(size);
    Last& before = last[request.id];
    // At best it was fetched for the last request: a bound need not be reached.
    const bool fresh =
        before.at != kNever && (before.fresh_until_ms == 0 || request.time_ms < before.fresh_until_ms);
    if (fresh && now >= warm_up && size <= rules.max_object_bytes) {
      const double time = static_cast<double>(now - std::max<std::size_t>(before.at, warm_up));
      chances.push_back({time, static_cast<double>(size)});
    }
    before.fresh_until_ms = request.ttl_s == 0 ? 0 : request.time_ms + std::int64_t{request.ttl_s} * 1000;
    before.at = now;
  }
  const auto counted = static_cast<double>(trace.requests.size() - warm_up);
  const double budget = static_cast<double>(capacity) * counted;
  const double hits = most(
      chances, budget, [](const Chance& a, const Chance& b) { return a.time * a.bytes < b.time * b.bytes; },
      [](const Chance&) { return 1.0; });
  const double hit_bytes = most(
      chances, budget, [](const Chance& a, const Chance& b) { return a.time < b.time; },
      [](const Chance& chance) { return chance.bytes; });
  return {counted > 0 ? hits / counted : 0, bytes > 0 ? hit_bytes / bytes : 0};
}

}  // namespace meridian::replay
