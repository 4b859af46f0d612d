#include "edge/tiers/ssd/buffers.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "lib/base/check.h"

namespace meridian::ssd {

AlignedBuffer::AlignedBuffer(std::size_t bytes)
    : capacity_(round_up(bytes, kPage)), memory_(static_cast<char*>(std::aligned_alloc(kPage, capacity_))) {
  CHECK(memory_ != nullptr);
}

AlignedBuffer::~AlignedBuffer() { std::free(memory_); }

Ref<AlignedBuffer> AlignedBuffer::allocate(std::size_t bytes) {
  return Ref<AlignedBuffer>::adopt(new AlignedBuffer(bytes));
}

void AlignedBuffer::destroy() const noexcept {
  auto* self = const_cast<AlignedBuffer*>(this);
  const std::shared_ptr<BufferPool> pool = std::move(self->pool_);
  if (pool != nullptr) {
    pool->give(self);
  } else {
    delete self;
  }
}

std::shared_ptr<BufferPool> BufferPool::create(std::uint64_t most_bytes, std::uint64_t most_idle_bytes) {
  return std::shared_ptr<BufferPool>(new BufferPool(most_bytes, most_idle_bytes));
}

BufferPool::~BufferPool() {
  for (const auto& buffers : idle_) {
    for (AlignedBuffer* buffer : buffers) delete buffer;
  }
}

Ref<AlignedBuffer> BufferPool::take(std::uint64_t bytes) {
  const std::uint64_t pages = round_up(bytes, kPage) / kPage;
  CHECK(pages <= PageClass::kMostPages);
  const unsigned page_class = PageClass::of(pages);
  const std::uint64_t capacity = PageClass::pages(page_class) * kPage;
  AlignedBuffer* buffer = nullptr;
  {
    MutexLock lock(mutex_);
    if (used_bytes_ + capacity > most_bytes_) return {};
    used_bytes_ += capacity;
    auto& idle = idle_[page_class];
    if (!idle.empty()) {
      buffer = idle.back();
      idle.pop_back();
      idle_bytes_ -= capacity;
    }
  }
  if (buffer != nullptr) {
    buffer->ref();
  } else {
    buffer = new AlignedBuffer(capacity);
  }
  buffer->pool_ = shared_from_this();
  return Ref<AlignedBuffer>::adopt(buffer);
}

void BufferPool::give(AlignedBuffer* buffer) {
  const std::size_t capacity = buffer->capacity();
  {
    MutexLock lock(mutex_);
    used_bytes_ -= capacity;
    for (const Waiter& waiter : waiters_) waiter.call();
    waiters_.clear();
    if (idle_bytes_ + capacity <= most_idle_bytes_) {
      idle_bytes_ += capacity;
      idle_[PageClass::of(capacity / kPage)].push_back(buffer);
      buffer = nullptr;
    }
  }
  delete buffer;
}

bool BufferPool::when_room(std::uint64_t bytes, const void* who, std::function<void()> call) {
  const std::uint64_t capacity = PageClass::pages(PageClass::of(round_up(bytes, kPage) / kPage)) * kPage;
  MutexLock lock(mutex_);
  if (used_bytes_ + capacity <= most_bytes_) return false;
  const auto is_who = [who](const Waiter& waiter) { return waiter.who == who; };
  if (std::none_of(waiters_.begin(), waiters_.end(), is_who)) waiters_.push_back({who, std::move(call)});
  return true;
}

void BufferPool::forget(const void* who) {
  MutexLock lock(mutex_);
  std::erase_if(waiters_, [who](const Waiter& waiter) { return waiter.who == who; });
}

std::uint64_t BufferPool::used_bytes() const {
  MutexLock lock(mutex_);
  return used_bytes_;
}

}  // namespace meridian::ssd
