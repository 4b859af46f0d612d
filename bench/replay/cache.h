#pragma once

#include <memory>
#include <vector>

#include "bench/replay/trace.h"

namespace meridian::replay {

// A cache as a replay sees it: bytes of objects and nothing else. Not thread-safe.
class Cache {
 public:
  using Sizes = std::vector<std::uint64_t>;  // of all objects, by id
  Cache(const Sizes& sizes, std::uint64_t capacity) : sizes_(sizes), capacity_(capacity) {}
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;
  virtual ~Cache() = default;
  // Whether it was a hit; what was missed is kept, if the policy wants it. The object fits into the capacity.
  virtual bool request(ObjectId id) = 0;
  std::uint64_t used_bytes() const { return used_; }

 protected:
  std::uint64_t bytes_of(ObjectId id) const { return sizes_[id]; }
  const Sizes& sizes_;
  const std::uint64_t capacity_;
  std::uint64_t used_ = 0;
};

// Lists of objects, newest in front. An object is in one list at most, so all lists share one array of links.
class ListLinks {
 public:
  static constexpr ObjectId kNone = ~ObjectId{0};
  explicit ListLinks(std::size_t objects) : links_(objects) {}
  struct Link {
    ObjectId newer = kNone;
    ObjectId older = kNone;
  };
  Link& operator[](ObjectId id) { return links_[id]; }

 private:
  std::vector<Link> links_;
};

class ObjectList {
 public:
  static constexpr ObjectId kNone = ListLinks::kNone;
  explicit ObjectList(ListLinks& links) : links_(links) {}
  ObjectId newest() const { return newest_; }
  ObjectId oldest() const { return oldest_; }
  ObjectId newer_than(ObjectId id) const { return links_[id].newer; }
  std::uint64_t bytes() const { return bytes_; }
  std::size_t count() const { return count_; }

  void push(ObjectId id, std::uint64_t bytes) {
    links_[id] = {kNone, newest_};
    (newest_ == kNone ? oldest_ : links_[newest_].newer) = id;
    newest_ = id;
    bytes_ += bytes;
    ++count_;
  }
  void remove(ObjectId id, std::uint64_t bytes) {
    const ListLinks::Link link = links_[id];
    (link.newer == kNone ? newest_ : links_[link.newer].older) = link.older;
    (link.older == kNone ? oldest_ : links_[link.older].newer) = link.newer;
    bytes_ -= bytes;
    --count_;
  }

 private:
  ListLinks& links_;
  ObjectId newest_ = kNone;
  ObjectId oldest_ = kNone;
  std::uint64_t bytes_ = 0;
  std::size_t count_ = 0;
};

}  // namespace meridian::replay
