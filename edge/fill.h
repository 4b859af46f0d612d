#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "edge/tiers/object.h"
#include "lib/base/bytes.h"
#include "lib/base/mutex.h"
#include "lib/base/result.h"
#include "lib/stats/labels.h"

namespace meridian::edge {

class FillBoard;
class FillProducer;
class FillReader;

// What the origin's head said, once it is known: everything a responder needs before the first body byte.
struct FillHead {
  int status = 0;
  std::string block;         // field lines for clients, without framing, Age and Cache-Status
  std::string stored_block;  // what is stored instead, when some fields may not be (no-cache="x"); else empty
  std::string own_lines;     // what is stored beside it and read by us alone; see stored_head.h
  ObjectMeta meta;           // freshness, also of what is not stored
  std::optional<std::uint64_t> length;
  bool no_body = false;
  bool stored = false;                      // the body is being kept
  bool sliced = false;                      // what is kept of it are slices, which others find in the store
  bool may_keep = false;                    // a shared cache may store it, whether or not this one does
  stats::Tier tier = stats::Tier::kOrigin;  // where it comes from
  std::string_view reason = {};             // why it is not, as a NotStored token
  std::string vary;                         // canonical names; empty when there is no Vary
  std::string variant;                      // with a Vary: the key of the variant that this is
  std::string trailer_block;                // trailer fields, known only once the fill is whole
};

// One running answer of an origin and everybody who waits for it, on any worker. The worker that started it
// produces; readers take pieces by reference, each at its own pace. Thread-safe: one lock, held for a few
// instructions. A fill without a key is one that nobody else can find: it has one reader, on its producer's
// own worker, and takes no lock at all; its producer holds it for
// as long as it calls it.
class Fill : public std::enable_shared_from_this<Fill> {
 public:
  // What a reader should do.
  enum class Verdict : std::uint8_t {
    kPending,  // no head yet
    kStream,   // the head is there, the body is coming or whole
    kObject,   // use object(): the origin has confirmed it
    kAlone,    // the response may not be shared: only the reader that started the fill may have it
    kFailed,   // error() says why; nothing was sent
  };
  enum class Body : std::uint8_t { kFlowing, kWhole, kBroken };

  // A reader's place in the body.
  struct Cursor {
    std::uint64_t offset = 0;
  };
  struct View {
    Verdict verdict = Verdict::kPending;
    Body body = Body::kFlowing;
    bool producer_waits = false;  // room was made that it waits for: tell FillBoard::wake_producer()
    bool behind = false;          // what comes next is no longer here, but where backing() says
  };

  // `owner` is the board of the worker that produces. An empty key: for the one that starts it, alone.
  Fill(std::string key, FillBoard& owner) : key_(std::move(key)), owner_(owner), alone_(key_.empty()) {}

  const std::string& key() const { return key_; }
  // The first kind of edge that it asks, as a wire::HopRole; kAsksNoEdge: the origin alone. Who was asked as
  // that kind or a later one must not wait for it: what it asks might be waiting for them.
  static constexpr std::uint8_t kAsksNoEdge = 255;
  void set_asks(std::uint8_t role) { asks_.store(role, std::memory_order_relaxed); }
  std::uint8_t asks() const { return asks_.load(std::memory_order_relaxed); }
  FillBoard& owner() const { return owner_; }
  View view() const;

  // --- for the producer, on its own loop ---
  void publish_head(FillHead&& head, bool shareable, bool retain);
  // `object` is what the origin has confirmed.
  void publish_object(Ref<const Object> object, int fwd_status, bool shareable);
  void publish_error(Error error);  // before the head: kFailed; after it: the body is broken
  // Nobody was left, and nobody needed it: whoever joins after all asks for itself.
  void abandon();
  void append(Slice piece);
  void finish(std::string trailer_block);
  // True when the slowest reader is a window behind and the producer should pause (never while retaining:
  // everything is kept then anyway); the reader that makes room will wake it.
  bool should_pause();
  static constexpr std::uint64_t kWindow = 512 * 1024;
  std::size_t reader_count() const;
  std::uint64_t produced_bytes() const;
  // Stops keeping what all have read: the object has become too large to store.
  void stop_retaining();
  // From now on the first `readable` bytes can also be read where `body` says (as of Object::far_body()), and
  // no reader holds anything up: who falls a window behind reads there. An empty one: no longer.
  void set_backing(Ref<const RefCounted> body, std::uint64_t readable);
  // The whole body, for storing. Only after finish() on a retaining fill, or before anything was dropped.
  std::vector<Slice> take_body();

  // --- for readers ---
  // Valid when the verdict is kStream or kAlone; immutable from then on (the trailers: once the body is
  // whole).
  const FillHead& head() const { return head_; }
  Ref<const Object> object() const;
  // Valid when there is an object: the origin's status.
  int fwd_status() const { return fwd_status_; }
  Error error() const;
  // Takes up to `max` pieces at the cursor and moves it. The view tells whether more will come.
  std::size_t read(Cursor& cursor, Slice* to, std::size_t max, View& view);
  // Where a reader that is behind finds the body.
  Ref<const RefCounted> backing() const;
  // It has read so many bytes there, or needs none of them.
  void advance(Cursor& cursor, std::uint64_t bytes);

 private:
  friend class FillBoard;
  // Holds the lock where there is anybody to be kept out.
  class MERIDIAN_TSA(scoped_lockable) Lock {
   public:
    explicit Lock(const Fill& fill) MERIDIAN_TSA(acquire_capability(fill.mutex_))
        MERIDIAN_TSA(no_thread_safety_analysis)
        : mutex_(fill.alone_ ? nullptr : &fill.mutex_) {
      if (mutex_ != nullptr) mutex_->lock();
    }
    ~Lock() MERIDIAN_TSA(release_capability()) MERIDIAN_TSA(no_thread_safety_analysis) {
      if (mutex_ != nullptr) mutex_->unlock();
    }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

   private:
    Mutex* const mutex_;
  };
  struct Place {
    FillBoard* board = nullptr;
    std::atomic<bool>* posted = nullptr;
  };
  void attach(FillBoard& board, std::atomic<bool>& posted);
  void detach(FillBoard& board);
  // False when bytes that this reader needs are gone.
  [[nodiscard]] bool add_cursor(const Cursor* cursor);
  void remove_cursor(const Cursor* cursor);
  void notify();
  void drop_read_locked() REQUIRES(mutex_);

  const std::string key_;
  FillBoard& owner_;
  const bool alone_;
  std::atomic<std::uint8_t> asks_{kAsksNoEdge};
  // When alone_: touched on the owner's loop only, as is the producer.
  FillReader* sole_reader_ = nullptr;
  const Cursor* sole_cursor_ = nullptr;
  FillProducer* producer_ = nullptr;
  mutable Mutex mutex_;
  View view_ GUARDED_BY(mutex_);
  FillHead head_;       // written before the verdict is published
  int fwd_status_ = 0;  // this too
  Ref<const Object> object_ GUARDED_BY(mutex_);
  Error error_ GUARDED_BY(mutex_);
  struct Piece {
    std::uint64_t offset = 0;
    Slice slice;
  };
  bool retain_ GUARDED_BY(mutex_) = false;
  bool producer_waits_ GUARDED_BY(mutex_) = false;
  std::vector<Piece> pieces_ GUARDED_BY(mutex_);
  std::size_t first_piece_ GUARDED_BY(mutex_) = 0;     // those before it were dropped
  std::uint64_t first_offset_ GUARDED_BY(mutex_) = 0;  // everything before it was dropped
  std::uint64_t end_offset_ GUARDED_BY(mutex_) = 0;
  Ref<const RefCounted> backing_ GUARDED_BY(mutex_);
  std::uint64_t readable_ GUARDED_BY(mutex_) = 0;
  std::vector<const Cursor*> cursors_ GUARDED_BY(mutex_);
  std::vector<Place> places_ GUARDED_BY(mutex_);
};

}  // namespace meridian::edge
