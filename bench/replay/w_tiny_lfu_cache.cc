#include "bench/replay/classics.h"
#include "bench/replay/object_hash.h"
#include "edge/tiers/frequency_sketch.h"

namespace meridian::replay {
namespace {

class WTinyLfuCache final : public Cache {
 public:
  WTinyLfuCache(const Sizes& sizes, std::uint64_t capacity)
      : Cache(sizes, capacity),
        window_bytes_(capacity / 100),
        protected_bytes_((capacity - window_bytes_) * 8 / 10),
        links_(sizes.size()),
        place_(sizes.size(), Place::kNowhere) {}

  bool request(ObjectId id) override {
    sketch_.set_limit(kSketched * (window_.count() + probation_.count() + protected_.count()));
    sketch_.add(hash_of(id));
    switch (place_[id]) {
      case Place::kWindow:
        move(id, Place::kWindow);
        return true;
      case Place::kProbation:
      case Place::kProtected:
        move(id, Place::kProtected);
        while (protected_.bytes() > protected_bytes_ && protected_.count() > 1) {
          move(protected_.oldest(), Place::kProbation);
        }
        return true;
      case Place::kNowhere:
        break;
    }
    move(id, Place::kWindow);
    while (window_.bytes() > window_bytes_ && window_.count() > 0) leave_window(window_.oldest());
    used_ = window_.bytes() + main_bytes();
    return false;
  }

 private:
  enum class Place : unsigned char { kNowhere, kWindow, kProbation, kProtected };

  std::uint64_t main_bytes() const { return probation_.bytes() + protected_.bytes(); }
  void leave_window(ObjectId candidate) {
    const std::uint64_t room = capacity_ - window_bytes_;
    move(candidate, Place::kNowhere);
    if (bytes_of(candidate) > room) return;
    while (main_bytes() + bytes_of(candidate) > room) {
      const ObjectId victim = probation_.count() > 0 ? probation_.oldest() : protected_.oldest();
      if (sketch_.estimate(hash_of(candidate)) <= sketch_.estimate(hash_of(victim))) return;
      move(victim, Place::kNowhere);
    }
    move(candidate, Place::kProbation);
  }
  ObjectList* list_at(Place place) {
    ObjectList* const lists[] = {nullptr, &window_, &probation_, &protected_};
    return lists[static_cast<std::size_t>(place)];
  }
  void move(ObjectId id, Place to) {
    if (ObjectList* from = list_at(place_[id])) from->remove(id, bytes_of(id));
    if (ObjectList* list = list_at(to)) list->push(id, bytes_of(id));
    place_[id] = to;
  }

  const std::uint64_t window_bytes_;
  const std::uint64_t protected_bytes_;
  ListLinks links_;
  ObjectList window_{links_}, probation_{links_}, protected_{links_};
  std::vector<Place> place_;
  // As accurate as Caffeine's and more, with its sample of ten times the objects held.
  static constexpr std::size_t kSketched = 5;
  FrequencySketch sketch_{FrequencySketch::kWindow / kSketched};
};

}  // namespace

std::unique_ptr<Cache> make_w_tiny_lfu(const Cache::Sizes& sizes, std::uint64_t capacity) {
  return std::make_unique<WTinyLfuCache>(sizes, capacity);
}

}  // namespace meridian::replay
