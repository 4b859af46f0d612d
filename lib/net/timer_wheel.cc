#include "lib/net/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace meridian {

void TimerWheel::place(Timer& timer) {
  const std::int64_t last = position_ + static_cast<std::int64_t>(kSlots) - 1;
  const std::int64_t tick = std::clamp(tick_of(timer.deadline_ms_), position_ + 1, last);
  if (timer.slot_tick_ != 0) {
    if (timer.slot_tick_ <= tick) return;
    unlink(timer);
  }
  link(timer, tick);
}

void TimerWheel::forget(Timer& timer) {
  if (timer.slot_tick_ != 0) unlink(timer);
  if (firing_ == &timer) firing_ = nullptr;
}

void TimerWheel::link(Timer& timer, std::int64_t tick) {
  const std::size_t index = index_of(tick);
  Slot& slot = slots_[index];
  timer.slot_tick_ = tick;
  timer.prev_ = slot.tail;
  timer.next_ = nullptr;
  (slot.tail != nullptr ? slot.tail->next_ : slot.head) = &timer;
  slot.tail = &timer;
  occupied_[index / 64] |= std::uint64_t{1} << (index % 64);
  if (next_tick_ == 0 || tick < next_tick_) next_tick_ = tick;
}

void TimerWheel::unlink(Timer& timer) {
  const std::size_t index = index_of(timer.slot_tick_);
  Slot& slot = slots_[index];
  (timer.prev_ != nullptr ? timer.prev_->next_ : slot.head) = timer.next_;
  (timer.next_ != nullptr ? timer.next_->prev_ : slot.tail) = timer.prev_;
  timer.slot_tick_ = 0;
  if (slot.head == nullptr) occupied_[index / 64] &= ~(std::uint64_t{1} << (index % 64));
}

// All occupied slots lie in the kSlots - 1 ticks behind position_, so that the distance around the wheel
// gives the tick.
std::int64_t TimerWheel::next_occupied_tick() const {
  const std::size_t start = index_of(position_ + 1);
  constexpr std::size_t kWords = kSlots / 64;
  for (std::size_t step = 0; step <= kWords; ++step) {
    const std::size_t word = (start / 64 + step) % kWords;
    std::uint64_t bits = occupied_[word];
    if (step == 0) bits &= ~std::uint64_t{0} << (start % 64);
    if (step == kWords) bits &= ~(~std::uint64_t{0} << (start % 64));
    if (bits == 0) continue;
    const std::size_t index = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
    return position_ + 1 + static_cast<std::int64_t>((index + kSlots - start) % kSlots);
  }
  return 0;
}

void TimerWheel::advance(std::int64_t now_ms) {
  const std::int64_t now_tick = now_ms / kTickMs;
  const bool due = next_tick_ != 0 && next_tick_ <= now_tick;
  while (due) {
    const std::int64_t tick = next_occupied_tick();
    if (tick == 0 || tick > now_tick) break;
    position_ = tick;
    run_slot();
  }
  position_ = std::max(position_, now_tick);
  if (due) next_tick_ = next_occupied_tick();
}

// Timers are placed only behind position_, so that the slot being emptied gets no new ones.
void TimerWheel::run_slot() {
  Slot& slot = slots_[index_of(position_)];
  while (slot.head != nullptr) {
    Timer& timer = *slot.head;
    unlink(timer);
    if (timer.deadline_ms_ == 0) continue;
    if (tick_of(timer.deadline_ms_) <= position_) {
      fire(timer);
    } else {
      place(timer);
    }
  }
}

// The work may destroy its timer, and with it the function that runs: so it runs from a place of our own.
void TimerWheel::fire(Timer& timer) {
  timer.deadline_ms_ = 0;
  firing_ = &timer;
  std::function<void()> work = std::move(timer.on_fire_);
  work();
  if (firing_ == &timer) timer.on_fire_ = std::move(work);
  firing_ = nullptr;
}

Timer::Timer(EventLoop& loop, std::function<void()> on_fire) : loop_(loop), on_fire_(std::move(on_fire)) {}

Timer::~Timer() { loop_.wheel().forget(*this); }

// At least a millisecond ahead: a timer that arms itself with no delay while it fires waits for the next
// turn.
void Timer::arm(std::int64_t delay_ms) {
  deadline_ms_ = loop_.deadline_base_ms() + std::max<std::int64_t>(delay_ms, 1);
  loop_.wheel().place(*this);
}

}  // namespace meridian
