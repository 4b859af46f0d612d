#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>

#include "edge/cold_tiers.h"
#include "edge/slice_plan.h"
#include "edge/soon_again.h"
#include "edge/tiers/memcached/memcached_tier.h"
#include "edge/tiers/ram_tier.h"
#include "edge/tiers/ssd/ssd_fill.h"
#include "edge/tiers/ssd/ssd_reader.h"
#include "lib/base/page_file.h"

namespace meridian::edge {

// Where the body of a stored object is that is read piece by piece; see Object::make_far().
class FarBody final : public RefCounted {
 public:
  static Ref<const FarBody> of(std::shared_ptr<const SsdLarge> large, bool on_ssd = true) {
    return Ref<const FarBody>::adopt(new FarBody(std::move(large), on_ssd));
  }
  const SsdLarge& large() const { return *large_; }
  // False: all that there is of it are slices in RAM.
  bool on_ssd() const { return on_ssd_; }
  const std::shared_ptr<const SsdLarge>& shared_large() const { return large_; }
  std::size_t footprint_bytes() const noexcept override;

 private:
  FarBody(std::shared_ptr<const SsdLarge> large, bool on_ssd) : large_(std::move(large)), on_ssd_(on_ssd) {}
  ~FarBody() override = default;
  void destroy() const noexcept override { delete this; }
  const std::shared_ptr<const SsdLarge> large_;
  const bool on_ssd_;
};

// All tiers as one worker uses them. RAM answers at once; what is behind it is recalled, see recall(). What
// is stored goes to RAM, from there to SSD when it is evicted, and to memcached when it is hot and small. On
// the worker's loop.
class Store {
 public:
  // RAM alone.
  explicit Store(RamTier& ram) : ram_(ram) {}
  Store(RamTier& ram, std::shared_ptr<PageFile> pages, ColdTiers& cold, EventLoop& loop, Resolver& resolver);
  // Looks for the SSD tier: when the loop begins, and when the tier has come. On the loop's own thread, as a
  // ring of io_uring belongs to the thread that made it.
  void use_ssd();

  // --- RAM
  Ref<const Object> find(std::uint64_t hash, std::string_view key) const { return ram_.find(hash, key); }
  // Markers and lists of variants.
  void put(Ref<const Object> object) { ram_.put(std::move(object)); }
  // A response; see RamTier::put_if. What other tiers have of its key is out of date from then on.
  bool put_if(const Ref<const Object>& object, const std::function<bool()>& still_valid);
  // `stale` with a newer head, for replace(). Empty: the head is too large.
  Ref<Object> freshened(const Object& stale, const ObjectMeta& meta, std::string_view head) const;
  // `fresh` was made of `stale`, which RAM may have had or a cold tier. The tiers that have it get the new
  // head too: at once where that is cheap or worth it, else when RAM has no room for it any more.
  void replace(const Object& stale, const Ref<const Object>& fresh, const std::function<bool()>& still_valid);
  std::uint64_t max_object_bytes() const { return ram_.max_object_bytes(); }
  // A hit in RAM.
  void note_hit(const Ref<const Object>& object) {
    if (memcached_) share_if_hot(object);
  }

  // --- what is too large for RAM goes to SSD as it comes
  // The largest body that any tier takes.
  std::uint64_t max_body_bytes() const;
  // Empty: SSD does not take it.
  std::unique_ptr<SsdFill> begin_fill(std::string_view key, const ObjectMeta& meta, std::string_view head,
                                      std::optional<std::uint64_t> length);
  // Such a fill was committed: what RAM and memcached have of its key is older.
  void filled(std::string_view key);

  // --- bodies on SSD: for an object with far_body()
  static const FarBody& far_body_of(const Object& object) {
    return *static_cast<const FarBody*>(object.far_body());
  }
  static const SsdLarge& large_of(const Object& object) { return far_body_of(object).large(); }
  // False: some of it is gone.
  bool has_body(const Object& object) const;
  // It is there, and will come late if at all.
  bool disk_hangs() const { return ssd_ && ssd_->hangs(); }
  // Its chunk with this number; on a busy disk it waits its turn. Empty without data when it cannot be had.
  // Called once, perhaps inside.
  SsdRead read_body(const SsdLarge& large, std::uint64_t chunk, SsdReader::OnChunk done);
  // It was asked for. One that RAM could hold is brought there whole at the second time.
  void note_far_hit(const Ref<const Object>& object);

  // --- bodies that are filled slice by slice, in any order (edge/slice_plan.h): for an object with
  // far_body() One of which nothing is there yet, in the place of what RAM has now under its key (`replaces`,
  // perhaps nothing). Empty: another one came first, or no tier has room for slices of that size.
  Ref<const Object> begin_sliced(std::string_view key, const ObjectMeta& meta, std::string_view head,
                                 std::uint64_t length, std::uint64_t slice_bytes, const Object* replaces,
                                 const std::function<bool()>& still_valid);
  // It was begun while SSD was not there, and would be kept better now.
  bool belongs_on_ssd(const Object& object) const;
  // The head of one whose body SSD has in part.
  void put_far(const Ref<const Object>& object, const std::function<bool()>& still_valid) {
    if (object) ram_.put_if(object, still_valid);
  }
  // The slice that begins there, if RAM has it: an object whose body it is.
  Ref<const Object> find_slice(const Object& object, std::uint64_t begin);
  // Whether `wanted`, some bytes of the slice that begins at `begin`, need not be fetched.
  bool has_of_slice(const Object& object, std::uint64_t begin, const Span& wanted);
  // Whether SSD has the chunk with that byte.
  bool has_chunk_at(const Object& object, std::uint64_t at) const;
  // To RAM, and from there to SSD when it is evicted; to SSD where it is too large for RAM.
  bool put_slice(const Object& object, std::uint64_t begin, const ObjectMeta& meta,
                 std::span<const Slice> body, const std::function<bool()>& still_valid);
  // The object is out of date, with all its slices; one that has taken its place stays.
  void drop_sliced(const Object& object);

  // --- all tiers
  void remove(std::string_view key);
  // Removes the key from all tiers, unless RAM has another object by now, which is newer.
  void remove_if(const Object& object);
  // The resource with this primary key was invalidated; to be said before what is kept of it is removed.
  void note_removal(std::uint64_t primary_hash, std::int64_t now_s) {
    if (cold_ != nullptr) cold_->removals().note(primary_hash, now_s);
  }

  // Whether a response that came at that time was invalidated since.
  bool was_removed(std::uint64_t primary_hash, std::int64_t response_time_s) const {
    return cold_ != nullptr && cold_->removals().covers(primary_hash, response_time_s, false);
  }

  // When it was invalidated, if that is not long ago.
  std::optional<std::int64_t> removal_time_s(std::uint64_t primary_hash) const {
    return cold_ == nullptr ? std::nullopt : cold_->removals().time_of(primary_hash);
  }

  // --- behind RAM
  bool has_cold() const { return memcached_ != nullptr || ssd_ != nullptr; }
  // False: nobody has to wait for a recall, as it would find nothing.
  bool may_recall(std::uint64_t hash) const {
    return memcached_ != nullptr || (ssd_ != nullptr && cold_->ssd()->may_have(hash));
  }
  // What was found; one with has_cold_copy() comes from SSD. Called once, perhaps inside recall(); not after
  // the store is gone.
  using Recalled = std::function<void(Ref<const Object>)>;
  void recall(std::uint64_t hash, std::string_view key, Recalled done);
  // What came from a cold tier goes into RAM if it is likely to be asked for again soon: what memcached had,
  // and what SSD serves twice soon. Returns what to serve.
  Ref<const Object> promote(Ref<const Object> object, const std::function<bool()>& still_valid);

 private:
  void remove_behind(std::string_view key);
  void freshen_behind(const Ref<const Object>& fresh, const std::function<bool()>& still_valid);
  void share_if_hot(const Ref<const Object>& object);
  void share(const Ref<const Object>& object);
  void ask_memcached(std::string key, Recalled done);
  bool is_dead(const Object& object) const;
  bool comes_again_soon(const Object& object);

  RamTier& ram_;
  std::shared_ptr<PageFile> pages_;
  ColdTiers* cold_ = nullptr;
  EventLoop* loop_ = nullptr;
  std::unique_ptr<SsdReader> ssd_;
  std::unique_ptr<MemcachedTier> memcached_;
  SoonAgain warm_;                               // what SSD served
  std::string slice_key_;                        // scratch
  std::unordered_set<std::uint64_t> promoting_;  // bodies that are on their way from SSD to RAM as a whole
};

}  // namespace meridian::edge
