#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "edge/tiers/ssd/place.h"
#include "lib/base/bytes.h"
#include "lib/base/mutex.h"

namespace meridian::ssd {

class BufferPool;

// Whole pages of memory that direct I/O reads into and writes from, and that slices keep alive while their
// bytes are on the way to a client. Goes back to its pool with its last reference.
class AlignedBuffer final : public RefCounted {
 public:
  char* data() { return memory_; }
  const char* data() const { return memory_; }
  std::size_t capacity() const { return capacity_; }
  std::size_t footprint_bytes() const noexcept override { return capacity_ + sizeof *this; }
  // Of no pool.
  static Ref<AlignedBuffer> allocate(std::size_t bytes);

 private:
  friend class BufferPool;
  struct Slab;
  explicit AlignedBuffer(std::size_t bytes);
  AlignedBuffer(Slab& slab, char* memory, std::size_t bytes)
      : capacity_(bytes), memory_(memory), slab_(&slab) {}
  ~AlignedBuffer() override;
  void destroy() const noexcept override;

  std::size_t capacity_;
  char* memory_;
  Slab* slab_ = nullptr;              // whose memory it is
  std::shared_ptr<BufferPool> pool_;  // while it is in use
};

// Buffers in use, bounded, and some that wait to be used again. Those that wait lie, as far as they go, in
// slabs of the size of a huge page, each for buffers of one size: such pages cost the kernel less when the
// disk reads into them, and the processor when they are checked and sent. A slab of which nothing is in use
// serves another size when one is wanted. Any thread.
class BufferPool final : public std::enable_shared_from_this<BufferPool> {
 public:
  // At most `most_bytes` in use, and at most `most_idle_bytes` kept beside them.
  static std::shared_ptr<BufferPool> create(std::uint64_t most_bytes, std::uint64_t most_idle_bytes);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // Room for `bytes`, up to PageClass::kMostPages; empty: too much is in use.
  Ref<AlignedBuffer> take(std::uint64_t bytes) EXCLUDES(mutex_);
  std::uint64_t used_bytes() const EXCLUDES(mutex_);
  // Calls once when a buffer has come back, on the thread that let go of it and under the pool's lock: so it
  // only posts. `who` asks again after each call; asked twice, it is called once. False: there is room now.
  [[nodiscard]] bool when_room(std::uint64_t bytes, const void* who, std::function<void()> call)
      EXCLUDES(mutex_);
  // `who` is not called any more once this has returned.
  void forget(const void* who) EXCLUDES(mutex_);

 private:
  friend class AlignedBuffer;
  BufferPool(std::uint64_t most_bytes, std::uint64_t most_idle_bytes);
  using Slab = AlignedBuffer::Slab;
  void give(AlignedBuffer* buffer) EXCLUDES(mutex_);
  // A buffer that waits, or one of a slab. Null: there is none.
  AlignedBuffer* take_idle(unsigned page_class) REQUIRES(mutex_);
  AlignedBuffer* take_from_slab(unsigned page_class) REQUIRES(mutex_);
  Slab* open_slab(unsigned page_class) REQUIRES(mutex_);

  const std::uint64_t most_bytes_;
  const std::uint64_t most_idle_bytes_;
  mutable Mutex mutex_;
  std::uint64_t used_bytes_ GUARDED_BY(mutex_) = 0;
  std::uint64_t idle_bytes_ GUARDED_BY(mutex_) = 0;
  std::array<std::vector<AlignedBuffer*>, PageClass::kCount> idle_ GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Slab>> slabs_ GUARDED_BY(mutex_);
  std::array<std::vector<Slab*>, PageClass::kCount> open_ GUARDED_BY(mutex_);  // that have room, by size
  struct Waiter {
    const void* who;
    std::function<void()> call;
  };
  std::vector<Waiter> waiters_ GUARDED_BY(mutex_);
};

}  // namespace meridian::ssd
