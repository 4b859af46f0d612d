#include "bench/replay/classics.h"

namespace meridian::replay {
namespace {

class ListCache final : public Cache {
 public:
  enum class Kind { kFifo, kLru, kSieve };
  ListCache(Kind kind, const Sizes& sizes, std::uint64_t capacity)
      : Cache(sizes, capacity), kind_(kind), links_(sizes.size()), list_(links_), entries_(sizes.size()) {}

  bool request(ObjectId id) override {
    Entry& entry = entries_[id];
    const std::uint64_t bytes = bytes_of(id);
    if (entry.held) {
      entry.visited = true;
      if (kind_ == Kind::kLru) {
        list_.remove(id, bytes);
        list_.push(id, bytes);
      }
      return true;
    }
    while (used_ + bytes > capacity_) evict();
    list_.push(id, bytes);
    entry = {true, false};
    used_ += bytes;
    return false;
  }

 private:
  struct Entry {
    bool held = false;
    bool visited = false;
  };

  void evict() {
    const ObjectId victim = kind_ == Kind::kSieve ? sieve() : list_.oldest();
    used_ -= bytes_of(victim);
    entries_[victim] = {};
    list_.remove(victim, bytes_of(victim));
  }
  // The hand walks from old to new and spares who was visited since it came by.
  ObjectId sieve() {
    ObjectId at = hand_ == ObjectList::kNone ? list_.oldest() : hand_;
    while (entries_[at].visited) {
      entries_[at].visited = false;
      at = list_.newer_than(at);
      if (at == ObjectList::kNone) at = list_.oldest();
    }
    hand_ = list_.newer_than(at);
    return at;
  }

  const Kind kind_;
  ListLinks links_;
  ObjectList list_;
  std::vector<Entry> entries_;
  ObjectId hand_ = ObjectList::kNone;
};

}  // namespace

std::unique_ptr<Cache> make_fifo(const Cache::Sizes& sizes, std::uint64_t capacity) {
  return std::make_unique<ListCache>(ListCache::Kind::kFifo, sizes, capacity);
}
std::unique_ptr<Cache> make_lru(const Cache::Sizes& sizes, std::uint64_t capacity) {
  return std::make_unique<ListCache>(ListCache::Kind::kLru, sizes, capacity);
}
std::unique_ptr<Cache> make_sieve(const Cache::Sizes& sizes, std::uint64_t capacity) {
  return std::make_unique<ListCache>(ListCache::Kind::kSieve, sizes, capacity);
}

}  // namespace meridian::replay
