#include "origin/upstream/slots.h"

namespace meridian::upstream {

// `waiter` belongs to the waiter's loop; `queued` and `at` to the lock of the Slots.
struct SlotTicket::Place {
  Place(Slots& slots_in, EventLoop& loop_in, SlotWaiter& waiter_in)
      : slots(slots_in), loop(loop_in), waiter(&waiter_in) {}
  Slots& slots;
  EventLoop& loop;
  SlotWaiter* waiter;
  bool queued = true;
  std::list<std::shared_ptr<Place>>::iterator at;
};

// A slot on its way to a waiter's loop. If that never runs it, or nobody wants the slot any more, it is given
// back by its destruction: hence the reference to where it goes.
struct Slots::Grant {
  std::shared_ptr<Slots> slots;
  std::shared_ptr<Place> place;
  Slot slot;
};

void Slot::reset() {
  if (slots_ != nullptr) std::exchange(slots_, nullptr)->release();
}

void SlotTicket::leave() {
  if (!place_) return;
  place_->waiter = nullptr;
  place_->slots.leave(*place_);
  place_.reset();
}

bool Slots::take() {
  unsigned now = running_.load(std::memory_order_seq_cst);
  while (now < running_max_) {
    if (running_.compare_exchange_weak(now, now + 1, std::memory_order_seq_cst)) return true;
  }
  return false;
}

Slot Slots::try_acquire() {
  if (waiting_.load(std::memory_order_seq_cst) != 0 || !take()) return {};
  return Slot(this);
}

SlotTicket Slots::wait(EventLoop& loop, SlotWaiter& waiter) {
  MutexLock lock(mutex_);
  if (queue_.size() >= waiting_max_) return {};
  auto place = std::make_shared<Place>(*this, loop, waiter);
  place->at = queue_.insert(queue_.end(), place);
  waiting_.fetch_add(1, std::memory_order_seq_cst);
  // A slot that was freed before the count went up found nobody to give it to.
  grant();
  return SlotTicket(std::move(place));
}

void Slots::release() {
  running_.fetch_sub(1, std::memory_order_seq_cst);
  if (waiting_.load(std::memory_order_seq_cst) == 0) return;
  MutexLock lock(mutex_);
  grant();
}

void Slots::grant() {
  while (!queue_.empty() && take()) {
    auto granted = std::make_shared<Grant>(Grant{shared_from_this(), std::move(queue_.front()), Slot(this)});
    queue_.pop_front();
    waiting_.fetch_sub(1, std::memory_order_seq_cst);
    granted->place->queued = false;
    granted->place->loop.post([granted] {
      SlotWaiter* waiter = std::exchange(granted->place->waiter, nullptr);
      if (waiter != nullptr) waiter->on_slot(std::move(granted->slot));
    });
  }
}

void Slots::leave(Place& place) {
  MutexLock lock(mutex_);
  if (!place.queued) return;
  place.queued = false;
  waiting_.fetch_sub(1, std::memory_order_seq_cst);
  queue_.erase(place.at);
}

}  // namespace meridian::upstream
