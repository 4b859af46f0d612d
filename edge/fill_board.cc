#include "edge/fill_board.h"

#include <algorithm>

#include "lib/base/check.h"

namespace meridian::edge {

bool FillBoard::join(const std::shared_ptr<Fill>& fill, FillReader& reader, Fill::Cursor& cursor) {
  if (!fill->add_cursor(&cursor)) return false;
  if (fill->alone_) {
    CHECK(fill->sole_reader_ == nullptr && &fill->owner_ == this);
    fill->sole_reader_ = &reader;
    return true;
  }
  const auto [at, is_first] = local_.try_emplace(fill.get());
  Local& local = at->second;
  if (is_first) {
    fill->attach(*this, local.posted);
    local.fill = fill;
  }
  local.readers.push_back(&reader);
  return true;
}

void FillBoard::leave(Fill& fill, FillReader& reader, Fill::Cursor& cursor) {
  fill.remove_cursor(&cursor);
  if (fill.alone_) {
    fill.sole_reader_ = nullptr;
    return call_producer(fill);
  }
  const auto found = local_.find(&fill);
  CHECK(found != local_.end());
  Local& local = found->second;
  std::replace(local.readers.begin(), local.readers.end(), &reader, static_cast<FillReader*>(nullptr));
  const std::shared_ptr<Fill> keep = local.fill;
  settle(local);
  wake_producer(keep, *this);
}

void FillBoard::settle(Local& local) {
  if (local.dispatching > 0) return;
  std::erase(local.readers, nullptr);
  if (!local.readers.empty()) return;
  local.fill->detach(*this);
  local_.erase(local.fill.get());
}

void FillBoard::wake(std::shared_ptr<Fill> fill, std::atomic<bool>& posted) {
  if (posted.exchange(true, std::memory_order_acq_rel)) return;
  loop_.post([this, fill = std::move(fill)] {
    const auto found = local_.find(fill.get());
    if (found == local_.end()) return;
    found->second.posted.store(false, std::memory_order_release);
    dispatch(*fill);
  });
}

void FillBoard::dispatch(const Fill& fill) {
  if (fill.alone_) {
    if (fill.sole_reader_ != nullptr) fill.sole_reader_->on_fill_progress();
    return;
  }
  const auto found = local_.find(&fill);
  if (found == local_.end()) return;
  Local& local = found->second;
  const std::shared_ptr<Fill> keep = local.fill;
  ++local.dispatching;
  // Readers may join and leave inside the call: those who join now see the state anyway.
  const std::size_t count = local.readers.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (local.readers[i] != nullptr) local.readers[i]->on_fill_progress();
  }
  --local.dispatching;
  settle(local);
}

void FillBoard::wake_producer(const std::shared_ptr<Fill>& fill, FillBoard& from) {
  FillBoard& owner = fill->owner();
  if (&owner == &from) {
    owner.call_producer(*fill);
  } else {
    owner.loop_.post([&owner, fill] { owner.call_producer(*fill); });
  }
}

void FillBoard::call_producer(const Fill& fill) {
  if (fill.producer_ != nullptr) fill.producer_->on_readers_changed();
}

}  // namespace meridian::edge
