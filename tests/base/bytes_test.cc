#include "lib/base/bytes.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace meridian {
namespace {

class Counted final : public RefCounted {
 public:
  explicit Counted(std::atomic<int>& gone) : gone_(gone) {}
  std::size_t footprint_bytes() const noexcept override { return sizeof(Counted); }

 private:
  void destroy() const noexcept override {
    ++gone_;
    delete this;
  }
  std::atomic<int>& gone_;
};

TEST(Ref, TheLastOneDestroys) {
  std::atomic<int> gone{0};
  {
    Ref<Counted> first = Ref<Counted>::adopt(new Counted(gone));
    EXPECT_TRUE(first->unique());
    const Ref<Counted> second = first;
    EXPECT_FALSE(first->unique());
    first.reset();
    EXPECT_FALSE(first);
    EXPECT_TRUE(second->unique());
    EXPECT_EQ(gone, 0);
  }
  EXPECT_EQ(gone, 1);
}

TEST(Ref, MovingAndAssigningKeepTheCount) {
  std::atomic<int> gone{0};
  Ref<Counted> a = Ref<Counted>::adopt(new Counted(gone));
  Ref<Counted> b = std::move(a);
  EXPECT_TRUE(b->unique());
  Ref<Counted>& same = b;
  b = same;
  EXPECT_TRUE(b->unique());
  const Ref<const RefCounted> base = b;
  EXPECT_FALSE(b->unique());
  b = Ref<Counted>::adopt(new Counted(gone));
  EXPECT_EQ(gone, 0);
  b.reset();
  EXPECT_EQ(gone, 1);
}

TEST(Ref, IsCountedRightlyFromManyThreads) {
  std::atomic<int> gone{0};
  {
    const Ref<Counted> shared = Ref<Counted>::adopt(new Counted(gone));
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([shared] {
        for (int j = 0; j < 10'000; ++j) {
          const Ref<Counted> copy = shared;
          ASSERT_FALSE(copy->unique());
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(gone, 0);
  }
  EXPECT_EQ(gone, 1);
}

TEST(Slice, KeepsItsBytesAlive) {
  Slice part;
  {
    const Slice whole = Slice::copy_of("hello, world");
    part = whole.sub(7, 5);
  }
  EXPECT_EQ(part.view(), "world");
  EXPECT_TRUE(part.owner->unique());
  EXPECT_TRUE(Slice::copy_of("").view().empty());
}

TEST(Slice, OfStaticBytesOwnsNothing) {
  const Slice slice = Slice::of_static("static");
  EXPECT_FALSE(slice.owner);
  EXPECT_EQ(slice.sub(3, 3).view(), "tic");
}

TEST(Block, HasRoomForWhatWasAskedFor) {
  const Ref<Block> block = Block::allocate(1000);
  std::string bytes(block->capacity(), 'x');
  bytes.copy(block->data(), bytes.size());
  EXPECT_EQ(std::string(block->data(), block->capacity()), bytes);
  EXPECT_GE(block->footprint_bytes(), block->capacity());
}

}  // namespace
}  // namespace meridian
