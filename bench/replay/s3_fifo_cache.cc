#include <algorithm>

#include "bench/replay/classics.h"

namespace meridian::replay {
namespace {

class S3FifoCache final : public Cache {
 public:
  S3FifoCache(const Sizes& sizes, std::uint64_t capacity)
      : Cache(sizes, capacity), small_bytes_(capacity / 10), links_(sizes.size()), entries_(sizes.size()) {}

  bool request(ObjectId id) override {
    Entry& entry = entries_[id];
    if (entry.place == Place::kSmall || entry.place == Place::kMain) {
      entry.frequency = static_cast<unsigned char>(std::min(entry.frequency + 1, 3));
      return true;
    }
    while (used_ + bytes_of(id) > capacity_) evict();
    move(id, entry.place == Place::kGhost ? Place::kMain : Place::kSmall);
    entry.frequency = 0;
    used_ += bytes_of(id);
    return false;
  }

 private:
  enum class Place : unsigned char { kNowhere, kSmall, kMain, kGhost };
  struct Entry {
    Place place = Place::kNowhere;
    unsigned char frequency = 0;
  };

  void evict() {
    if (small_.count() > 0 && (small_.bytes() >= small_bytes_ || main_.count() == 0)) {
      evict_small();
    } else {
      evict_main();
    }
  }
  void evict_small() {
    const ObjectId id = small_.oldest();
    if (entries_[id].frequency > 1) {
      entries_[id].frequency = 0;
      return move(id, Place::kMain);
    }
    used_ -= bytes_of(id);
    move(id, Place::kGhost);
    while (ghost_.count() > main_.count() + 1) move(ghost_.oldest(), Place::kNowhere);
  }
  void evict_main() {
    const ObjectId id = main_.oldest();
    if (entries_[id].frequency > 0) {
      --entries_[id].frequency;
      return move(id, Place::kMain);
    }
    used_ -= bytes_of(id);
    move(id, Place::kNowhere);
  }
  ObjectList* list_at(Place place) {
    ObjectList* const lists[] = {nullptr, &small_, &main_, &ghost_};
    return lists[static_cast<std::size_t>(place)];
  }
  void move(ObjectId id, Place to) {
    Place& place = entries_[id].place;
    if (ObjectList* from = list_at(place)) from->remove(id, bytes_of(id));
    if (ObjectList* list = list_at(to)) list->push(id, bytes_of(id));
    place = to;
  }

  const std::uint64_t small_bytes_;
  ListLinks links_;
  ObjectList small_{links_}, main_{links_}, ghost_{links_};
  std::vector<Entry> entries_;
};

}  // namespace

std::unique_ptr<Cache> make_s3_fifo(const Cache::Sizes& sizes, std::uint64_t capacity) {
  return std::make_unique<S3FifoCache>(sizes, capacity);
}

}  // namespace meridian::replay
