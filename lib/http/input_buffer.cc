#include "lib/http/input_buffer.h"

#include <algorithm>
#include <cstring>

#include "lib/base/check.h"

namespace meridian::http {

void InputBuffer::consume(std::size_t bytes) {
  DCHECK(bytes <= size());
  begin_ += bytes;
  if (empty()) begin_ = end_ = floor_;
}

void InputBuffer::consume_pinned(std::size_t bytes) {
  DCHECK(bytes <= size() && !pinned_);
  pinned_ = true;
  begin_ += bytes;
  floor_ = begin_;
}

void InputBuffer::unpin() {
  pinned_ = false;
  floor_ = 0;
  kept_.reset();
  if (empty()) begin_ = end_ = 0;
}

void InputBuffer::move_to(std::unique_ptr<char[]> memory, std::size_t capacity) {
  const std::size_t unread = size();
  if (unread != 0) std::memcpy(memory.get(), data_.get() + begin_, unread);
  if (pinned_ && floor_ != 0) kept_ = std::move(data_);
  data_ = std::move(memory);
  capacity_ = capacity;
  floor_ = begin_ = 0;
  end_ = unread;
}

std::span<char> InputBuffer::room(std::size_t capacity_max) {
  if (capacity_ == 0) move_to(std::make_unique_for_overwrite<char[]>(kFirstCapacity), kFirstCapacity);
  if (capacity_ - end_ < capacity_ / 4 && begin_ != floor_) {
    std::memmove(data_.get() + floor_, data_.get() + begin_, size());
    end_ = floor_ + size();
    begin_ = floor_;
  }
  if (capacity_ - end_ < capacity_ / 4 && size() < capacity_max) {
    const std::size_t wanted = std::max(std::min(capacity_ * 2, capacity_max), kFirstCapacity);
    if (wanted > capacity_ || floor_ != 0) move_to(std::make_unique_for_overwrite<char[]>(wanted), wanted);
  }
  return {data_.get() + end_, std::min(capacity_ - end_, capacity_max > size() ? capacity_max - size() : 0)};
}

void InputBuffer::shrink() {
  if (!empty() || pinned_ || capacity_ <= kKeptCapacity) return;
  data_.reset();
  capacity_ = begin_ = end_ = 0;
}

}  // namespace meridian::http
