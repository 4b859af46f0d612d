#include <utility>

#include "edge/tiers/ssd/ssd_reader.h"

// A large object as a whole, for those who want it so: its chunks, a few at a time.
namespace meridian {
namespace {

class Gathering {
 public:
  using Done = std::function<void(Ref<const Object>)>;
  Gathering(SsdReader& reader, std::shared_ptr<const SsdLarge> large, Done done)
      : reader_(reader), large_(std::move(large)), chunks_(large_->chunk_count()), done_(std::move(done)) {}

  // The reads that are under way keep it alive.
  static void advance(const std::shared_ptr<Gathering>& self) {
    if (self->advancing_ || !self->done_) return;
    self->advancing_ = true;
    while (!self->missing_ && self->next_ < self->chunks_.size() && self->under_way_ < kAtOnce) {
      const std::size_t chunk = self->next_++;
      ++self->under_way_;
      self->reader_
          .read_chunk(*self->large_, chunk,
                      [self, chunk](Slice bytes) {
                        --self->under_way_;
                        self->missing_ = self->missing_ || bytes.data == nullptr;
                        self->chunks_[chunk] = std::move(bytes);
                        advance(self);
                      })
          .detach();
    }
    self->advancing_ = false;
    self->finish_if_complete();
  }

 private:
  static constexpr unsigned kAtOnce = 8;

  void finish_if_complete() {
    if (!missing_ && (next_ < chunks_.size() || under_way_ > 0)) return;
    const Done done = std::exchange(done_, nullptr);
    Ref<Object> object;
    if (!missing_) object = Object::make_large(large_->key, large_->meta, large_->head, chunks_);
    if (object) object->mark_cold_copy();
    done(std::move(object));
  }

  SsdReader& reader_;
  std::shared_ptr<const SsdLarge> large_;
  std::vector<Slice> chunks_;
  std::size_t next_ = 0;
  unsigned under_way_ = 0;
  bool missing_ = false;
  bool advancing_ = false;
  Done done_;
};

}  // namespace

void SsdReader::get(std::string_view key, std::function<void(Ref<const Object>)> done) {
  find(hash_of_key(key), key, [this, done = std::move(done)](SsdFound found) {
    if (found.large == nullptr) return done(std::move(found.object));
    gather(std::move(found.large), done);
  }).detach();
}

void SsdReader::gather(std::shared_ptr<const SsdLarge> large, std::function<void(Ref<const Object>)> done) {
  if (large->length > kMostWhole) return done({});
  Gathering::advance(std::make_shared<Gathering>(*this, std::move(large), std::move(done)));
}

}  // namespace meridian
