#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "control-plane/log/state.h"
#include "control-plane/log/store.h"
#include "lib/net/event_loop.h"

namespace meridian::control {

class MemoryStore;

// What the nodes of a test share, and how it fails. It keeps the contract of all stores.
struct MemoryCluster {
  std::uint64_t seq = 0;
  std::uint64_t epoch = 0;
  std::uint64_t first = 1;
  std::vector<Entry> entries;  // from `first` on
  std::optional<Base> base;
  std::string holder;
  std::vector<MemoryStore*> stores;

  bool is_down = false;
  int lose_answers = 0;  // appends that take effect and are not answered
  int fail_appends = 0;  // appends that do neither

  Head head() const { return {seq, epoch, first}; }
  void add(const Entry& entry) {
    entries.push_back(entry);
    seq = entry.seq;
    tell();
  }
  void end_lease() { holder.clear(); }
  // Of a log that has never been compacted.
  std::string state_at(std::uint64_t at) const {
    State state;
    for (const Entry& entry : entries) {
      if (entry.seq <= at) (void)state.apply(entry);
    }
    return state.to_text();
  }
  void tell();
};

// A log in memory whose failures a test decides. On one loop.
class MemoryStore final : public Store {
 public:
  MemoryStore(EventLoop& loop, MemoryCluster& cluster) : loop_(loop), cluster_(cluster) {
    cluster_.stores.push_back(this);
  }
  ~MemoryStore() override {
    *here_ = false;
    std::erase(cluster_.stores, this);
  }
  bool is_cut_off = false;  // this node alone does not reach the store

  void append(const Head& after, std::vector<Entry> entries, std::function<void(Appended)> done) override {
    later([this, after, entries = std::move(entries), done = std::move(done)] {
      if (is_away()) return done({AppendEnd::kUnavailable, {}, "down"});
      if (std::exchange(cluster_.fail_appends, 0) > 0) return done({AppendEnd::kUnavailable, {}, "failed"});
      if (after.epoch != cluster_.epoch) return done({AppendEnd::kFenced, cluster_.head(), ""});
      if (after.seq != cluster_.seq) return done({AppendEnd::kConflict, cluster_.head(), ""});
      cluster_.entries.insert(cluster_.entries.end(), entries.begin(), entries.end());
      cluster_.seq += entries.size();
      const bool is_lost = std::exchange(cluster_.lose_answers, 0) > 0;
      done(is_lost ? Appended{AppendEnd::kUnavailable, {}, "lost"}
                   : Appended{AppendEnd::kAppended, cluster_.head(), ""});
      cluster_.tell();
    });
  }
  void read(std::uint64_t after, std::size_t most, Freshness, Done<std::vector<Entry>> done) override {
    later([this, after, most, done = std::move(done)] {
      if (is_away()) return done(away());
      if (after < cluster_.first - 1)
        return done(fail(ErrorCode::kNotFound, ErrorSource::kClient, "compacted"));
      std::vector<Entry> found;
      for (const Entry& entry : cluster_.entries) {
        if (entry.seq > after && found.size() < std::min(most, kMostRead)) found.push_back(entry);
      }
      done(std::move(found));
    });
  }
  void head(Freshness, Done<Head> done) override {
    later([this, done = std::move(done)] {
      if (is_away()) return done(away());
      done(cluster_.head());
    });
  }
  void watch(std::function<void()> changed) override { changed_ = std::move(changed); }
  void compact(Base base, Done<void> done) override {
    later([this, base = std::move(base), done = std::move(done)] {
      if (is_away()) return done(away());
      if (base.seq >= cluster_.first && base.seq <= cluster_.seq) {
        cluster_.base = base;
        cluster_.first = base.seq + 1;
        std::erase_if(cluster_.entries, [&](const Entry& entry) { return entry.seq <= base.seq; });
      }
      done({});
    });
  }
  void load_base(Freshness, Done<std::optional<Base>> done) override {
    later([this, done = std::move(done)] {
      if (is_away()) return done(away());
      done(cluster_.base);
    });
  }
  void restore(std::optional<Base> base, std::uint64_t epoch, Done<Head> done) override {
    later([this, base = std::move(base), epoch, done = std::move(done)] {
      if (is_away()) return done(away());
      if (cluster_.head() != Head())
        return done(fail(ErrorCode::kRefused, ErrorSource::kOperator, "not empty"));
      cluster_.base = base;
      cluster_.seq = base ? base->seq : 0;
      cluster_.first = cluster_.seq + 1;
      cluster_.epoch = epoch;
      done(cluster_.head());
    });
  }
  void acquire(std::string node, Done<Lease> done) override {
    later([this, node = std::move(node), done = std::move(done)] {
      if (is_away()) return done(away());
      if (!cluster_.holder.empty()) return done(fail(ErrorCode::kRefused, ErrorSource::kOperator, "held"));
      cluster_.holder = node + " " + std::to_string(++cluster_.epoch);
      done(Lease{cluster_.epoch, cluster_.epoch, node});
      cluster_.tell();
    });
  }
  void keep(const Lease& lease, Done<void> done) override {
    later([this, lease, done = std::move(done)] {
      if (is_away()) return done(away());
      if (!holds(lease)) return done(fail(ErrorCode::kRefused, ErrorSource::kOperator, "lost"));
      done({});
    });
  }
  void release(const Lease& lease, Done<void> done) override {
    later([this, lease, done = std::move(done)] {
      if (is_away()) return done(away());
      if (holds(lease)) cluster_.holder.clear();
      done({});
    });
  }
  std::int64_t lease_ms() const override { return 100; }
  std::string description() const override { return "memory"; }
  void tell() {
    if (changed_ && !is_away()) later(changed_);
  }

 private:
  bool is_away() const { return is_cut_off || cluster_.is_down; }
  static Failure away() { return fail(ErrorCode::kUnavailable, ErrorSource::kOperator, "down"); }
  bool holds(const Lease& lease) const {
    return cluster_.holder == lease.node + " " + std::to_string(lease.epoch);
  }
  void later(std::function<void()> work) {
    loop_.post([here = here_, work = std::move(work)] {
      if (*here) work();
    });
  }

  EventLoop& loop_;
  MemoryCluster& cluster_;
  std::function<void()> changed_;
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
};

inline void MemoryCluster::tell() {
  for (MemoryStore* store : stores) store->tell();
}

}  // namespace meridian::control
