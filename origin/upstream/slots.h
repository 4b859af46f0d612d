#pragma once

#include <atomic>
#include <cstddef>
#include <list>
#include <memory>
#include <utility>

#include "lib/base/mutex.h"
#include "lib/net/event_loop.h"

namespace meridian::upstream {

class Slots;

// The right to run one request at a target; giving it back is its destruction.
class Slot {
 public:
  Slot() = default;
  Slot(Slot&& other) noexcept : slots_(std::exchange(other.slots_, nullptr)) {}
  Slot& operator=(Slot&& other) noexcept {
    std::swap(slots_, other.slots_);
    return *this;
  }
  ~Slot() { reset(); }
  void reset();
  explicit operator bool() const { return slots_ != nullptr; }

 private:
  friend class Slots;
  explicit Slot(Slots* slots) : slots_(slots) {}
  Slots* slots_ = nullptr;
};

// Told, on its own loop, that its turn has come.
class SlotWaiter {
 public:
  virtual void on_slot(Slot slot) = 0;

 protected:
  ~SlotWaiter() = default;
};

// A place in the queue; destroying it leaves the queue. A slot that was given to it in the meantime goes on
// to the next. On the waiter's loop.
class SlotTicket {
 public:
  SlotTicket() = default;
  SlotTicket(SlotTicket&& other) noexcept = default;
  SlotTicket& operator=(SlotTicket&& other) noexcept {
    leave();
    place_ = std::move(other.place_);
    return *this;
  }
  ~SlotTicket() { leave(); }
  explicit operator bool() const { return place_ != nullptr; }

 private:
  friend class Slots;
  struct Place;
  explicit SlotTicket(std::shared_ptr<Place> place) : place_(std::move(place)) {}
  void leave();
  std::shared_ptr<Place> place_;
};

// How many requests may run at one target in all workers together, and who waits for that, first come first
// served over all workers. Taking a free slot is one compare-and-swap. A freed slot is handed to the longest
// waiting by post() to its loop, so that nobody who comes later can take it: no polling, and no wake-up can
// be lost, as a waiter looks once more after it has been counted as waiting. Any thread; held by shared_ptr,
// outlives its slots and tickets.
class Slots : public std::enable_shared_from_this<Slots> {
 public:
  Slots(unsigned running_max, unsigned waiting_max) : running_max_(running_max), waiting_max_(waiting_max) {}
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;

  // An empty slot: all are taken, or others wait already.
  Slot try_acquire();
  // An empty ticket: the queue is full. on_slot() is never called inside.
  SlotTicket wait(EventLoop& loop, SlotWaiter& waiter) EXCLUDES(mutex_);

  unsigned running() const { return running_.load(std::memory_order_relaxed); }
  unsigned waiting() const { return waiting_.load(std::memory_order_relaxed); }

 private:
  friend class Slot;
  friend class SlotTicket;
  using Place = SlotTicket::Place;
  struct Grant;

  bool take();
  void release() EXCLUDES(mutex_);
  void grant() REQUIRES(mutex_);
  void leave(Place& place) EXCLUDES(mutex_);

  const unsigned running_max_;
  const unsigned waiting_max_;
  std::atomic<unsigned> running_{0};
  std::atomic<unsigned> waiting_{0};
  Mutex mutex_;
  std::list<std::shared_ptr<Place>> queue_ GUARDED_BY(mutex_);
};

}  // namespace meridian::upstream
