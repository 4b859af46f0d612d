#include <algorithm>

#include "bench/replay/classics.h"

namespace meridian::replay {
namespace {

// The names are those of the paper: t1 and t2 hold what was asked for once and more often, b1 and b2 remember
// what left them, p is what t1 should take.
class ArcCache final : public Cache {
 public:
  ArcCache(const Sizes& sizes, std::uint64_t capacity)
      : Cache(sizes, capacity), links_(sizes.size()), place_(sizes.size(), Place::kNowhere) {}

  bool request(ObjectId id) override {
    switch (place_[id]) {
      case Place::kT1:
      case Place::kT2:
        move(id, Place::kT2);
        return true;
      case Place::kB1: {
        p_ = std::min(capacity_, p_ + share_of(id, b2_, b1_));
        make_room(id, false);
        move(id, Place::kT2);
        return false;
      }
      case Place::kB2: {
        const std::uint64_t less = share_of(id, b1_, b2_);
        p_ = p_ > less ? p_ - less : 0;
        make_room(id, true);
        move(id, Place::kT2);
        return false;
      }
      case Place::kNowhere:
        break;
    }
    make_room(id, false);
    move(id, Place::kT1);
    // What is held and remembered: t1 and b1 take no more than the capacity, all four no more than twice.
    while (t1_.bytes() + b1_.bytes() > capacity_ && b1_.count() > 0) move(b1_.oldest(), Place::kNowhere);
    while (t1_.bytes() + t2_.bytes() + b1_.bytes() + b2_.bytes() > 2 * capacity_ && b2_.count() > 0) {
      move(b2_.oldest(), Place::kNowhere);
    }
    return false;
  }

 private:
  enum class Place : unsigned char { kNowhere, kT1, kT2, kB1, kB2 };

  std::uint64_t share_of(ObjectId id, const ObjectList& other, const ObjectList& own) const {
    const double ratio =
        own.bytes() == 0 ? 1 : static_cast<double>(other.bytes()) / static_cast<double>(own.bytes());
    return static_cast<std::uint64_t>(std::max(1.0, ratio) * static_cast<double>(bytes_of(id)));
  }
  ObjectList* list_at(Place place) {
    ObjectList* const lists[] = {nullptr, &t1_, &t2_, &b1_, &b2_};
    return lists[static_cast<std::size_t>(place)];
  }
  void move(ObjectId id, Place to) {
    if (ObjectList* from = list_at(place_[id])) from->remove(id, bytes_of(id));
    if (ObjectList* list = list_at(to)) list->push(id, bytes_of(id));
    place_[id] = to;
  }
  void make_room(ObjectId id, bool from_b2) {
    while (t1_.bytes() + t2_.bytes() + bytes_of(id) > capacity_) {
      const bool from_t1 =
          t1_.count() > 0 && (t1_.bytes() > p_ || (from_b2 && t1_.bytes() == p_) || t2_.count() == 0);
      move(from_t1 ? t1_.oldest() : t2_.oldest(), from_t1 ? Place::kB1 : Place::kB2);
    }
    used_ = t1_.bytes() + t2_.bytes() + bytes_of(id);
  }

  ListLinks links_;
  ObjectList t1_{links_}, t2_{links_}, b1_{links_}, b2_{links_};
  std::vector<Place> place_;
  std::uint64_t p_ = 0;
};

}  // namespace

std::unique_ptr<Cache> make_arc(const Cache::Sizes& sizes, std::uint64_t capacity) {
  return std::make_unique<ArcCache>(sizes, capacity);
}

}  // namespace meridian::replay
