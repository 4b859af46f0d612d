#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "edge/tiers/ssd/ssd_tier.h"
#include "lib/net/event_loop.h"

namespace meridian {

// One body on its way into the SSD tier. Holds at most one chunk and one piece of it; every full chunk goes
// into the log, from where it can be read at once: so readers of the same fill may follow from the tier, and
// the fill's memory stays bounded whatever their speed. The object is found by others when commit() has said
// so: its head is written last, behind the chunks, so that a fill that is given up, or cut off by a crash,
// leaves what the key had before. Dropping it before that gives it up. One thread at a time.
class SsdFill {
 public:
  enum class Write : std::uint8_t {
    kDone,
    kFull,    // taken, but the disk lags behind: wait for when_room() before the next piece
    kFailed,  // the tier does not want it any more: too large, not the length it was to have, or no disk
  };
  SsdFill(SsdTier& tier, std::string_view key, const ObjectMeta& meta, std::string_view head,
          std::uint64_t length);
  ~SsdFill();
  SsdFill(const SsdFill&) = delete;
  SsdFill& operator=(const SsdFill&) = delete;

  Write append(Slice piece);
  // The body is whole. After kFull, to be called again when there is room.
  Write commit(const SsdTier::StillValid& still_valid = {});
  // Of a body of known length that has its first chunk: what is there is found by others from now on, and
  // stays when the fill is given up: they fetch what is missing. False: not yet, or not now.
  bool publish();
  // commit() failed because `still_valid` said no.
  bool overtaken() const { return overtaken_; }
  // Calls once, on the loop's thread, when it may be worth going on after kFull; not after the fill is gone,
  // which must be before the loop is.
  void when_room(EventLoop& loop, std::function<void()> call);

  // For readers of this fill: set from the first chunk on, and then that many bytes can be read by chunks.
  const std::shared_ptr<const SsdLarge>& large() const { return large_; }
  std::uint64_t readable_bytes() const { return chunks_ * tier_.chunk_bytes(); }

 private:
  Write write_chunks(bool all);
  Write write_one(std::uint64_t bytes);
  Write failed();
  // The tier does not take it: what it has of the key is older, and goes.
  Write refused();
  class Bell;

  SsdTier& tier_;
  SsdLarge object_;
  std::shared_ptr<const SsdLarge> large_;
  std::vector<Slice> pending_;
  std::uint64_t pending_bytes_ = 0;
  std::uint64_t total_bytes_ = 0;
  std::uint64_t chunks_ = 0;  // written
  bool published_ = false;
  bool overtaken_ = false;
  bool failed_ = false;
  std::shared_ptr<Bell> bell_;  // from the first when_room() on
};

}  // namespace meridian
