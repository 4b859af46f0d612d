#include "edge/tiers/ssd/buffers.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "lib/base/check.h"

namespace meridian::ssd {

AlignedBuffer::AlignedBuffer(std::size_t bytes)
    : capacity_(round_up(bytes, kPage)), memory_(static_cast<char*>(std::aligned_alloc(kPage, capacity_))) {
  CHECK(memory_ != nullptr);
}

AlignedBuffer::~AlignedBuffer() {
  if (slab_ == nullptr) std::free(memory_);
}

// Room for so many buffers of one size. They are made when they are first wanted.
struct AlignedBuffer::Slab {
  static constexpr std::size_t kBytes = 2 << 20;
  // Of larger ones too few would fit.
  static constexpr std::size_t kMostBuffer = kBytes / 4;

  Slab() : memory(static_cast<char*>(std::aligned_alloc(kBytes, kBytes))) {
    CHECK(memory != nullptr);
    // Where the kernel has no huge pages this is memory like any other.
    (void)::madvise(memory, kBytes, MADV_HUGEPAGE);
  }
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() {
    drop_buffers();
    std::free(memory);
  }
  std::size_t buffer_bytes() const { return PageClass::pages(page_class) * kPage; }
  bool has_room() const { return !free.empty() || (made + 1) * buffer_bytes() <= kBytes; }
  void drop_buffers() {
    for (AlignedBuffer* buffer : free) delete buffer;
    free.clear();
    made = 0;
  }
  AlignedBuffer* take() {
    ++used;
    if (free.empty()) return new AlignedBuffer(*this, memory + made++ * buffer_bytes(), buffer_bytes());
    AlignedBuffer* const buffer = free.back();
    free.pop_back();
    buffer->ref();
    return buffer;
  }

  char* const memory;
  unsigned page_class = 0;
  std::size_t made = 0;
  std::size_t used = 0;
  std::vector<AlignedBuffer*> free;
};

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

BufferPool::BufferPool(std::uint64_t most_bytes, std::uint64_t most_idle_bytes)
    : most_bytes_(most_bytes), most_idle_bytes_(most_idle_bytes) {}

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
    buffer = take_idle(page_class);
    if (buffer == nullptr && capacity <= Slab::kMostBuffer) buffer = take_from_slab(page_class);
  }
  if (buffer == nullptr) buffer = new AlignedBuffer(capacity);
  buffer->pool_ = shared_from_this();
  return Ref<AlignedBuffer>::adopt(buffer);
}

AlignedBuffer* BufferPool::take_idle(unsigned page_class) {
  auto& idle = idle_[page_class];
  if (idle.empty()) return nullptr;
  AlignedBuffer* const buffer = idle.back();
  idle.pop_back();
  idle_bytes_ -= buffer->capacity();
  buffer->ref();
  return buffer;
}

AlignedBuffer* BufferPool::take_from_slab(unsigned page_class) {
  auto& open = open_[page_class];
  Slab* const slab = open.empty() ? open_slab(page_class) : open.back();
  if (slab == nullptr) return nullptr;
  AlignedBuffer* const buffer = slab->take();
  if (!slab->has_room()) open.pop_back();
  return buffer;
}

// A new one, or one of another size of which nothing is in use.
BufferPool::Slab* BufferPool::open_slab(unsigned page_class) {
  const auto is_unused = [](const std::unique_ptr<Slab>& slab) { return slab->used == 0; };
  Slab* slab = nullptr;
  if (idle_bytes_ + Slab::kBytes <= most_idle_bytes_) {
    idle_bytes_ += Slab::kBytes;
    slab = slabs_.emplace_back(std::make_unique<Slab>()).get();
  } else if (const auto found = std::find_if(slabs_.begin(), slabs_.end(), is_unused);
             found != slabs_.end()) {
    slab = found->get();
    std::erase(open_[slab->page_class], slab);
    slab->drop_buffers();
  } else {
    return nullptr;
  }
  slab->page_class = page_class;
  open_[page_class].push_back(slab);
  return slab;
}

void BufferPool::give(AlignedBuffer* buffer) {
  const std::size_t capacity = buffer->capacity();
  {
    MutexLock lock(mutex_);
    used_bytes_ -= capacity;
    for (const Waiter& waiter : waiters_) waiter.call();
    waiters_.clear();
    if (Slab* const slab = buffer->slab_) {
      if (!slab->has_room()) open_[slab->page_class].push_back(slab);
      --slab->used;
      slab->free.push_back(buffer);
      buffer = nullptr;
    } else if (idle_bytes_ + capacity <= most_idle_bytes_) {
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
