#include "edge/tiers/ssd/buffers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

namespace meridian::ssd {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

TEST(SsdBuffers, WhatIsInUseIsBoundedAndComesBack) {
  const auto pool = BufferPool::create(4 * 64 * kPage, 8 * kMiB);
  std::vector<Ref<AlignedBuffer>> held;
  while (Ref<AlignedBuffer> buffer = pool->take(60 * kPage)) held.push_back(std::move(buffer));
  EXPECT_EQ(held.size(), 4U);
  EXPECT_EQ(pool->used_bytes(), 4 * 64 * kPage);
  held.pop_back();
  EXPECT_TRUE(pool->take(60 * kPage));
  held.clear();
  EXPECT_EQ(pool->used_bytes(), 0U);
}

// Any mixture of sizes, with much, little and no room for what waits: memory of two is never the same.
TEST(SsdBuffers, NoTwoShareAByteWhateverTheirSizes) {
  std::mt19937 random(7);
  for (const std::uint64_t most_idle : {std::uint64_t{0}, kMiB, 4 * kMiB, 64 * kMiB}) {
    const auto pool = BufferPool::create(48 * kMiB, most_idle);
    struct Held {
      Ref<AlignedBuffer> buffer;
      char mark;
    };
    std::vector<Held> held;
    for (int step = 0; step < 4000; ++step) {
      // Now mostly small ones and now mostly large ones, so that slabs change their size.
      const std::uint64_t most_pages = step / 500 % 2 == 0 ? 20 : PageClass::kMostPages;
      const std::uint64_t bytes = (1 + random() % most_pages) * kPage;
      Ref<AlignedBuffer> buffer = random() % 5 < 2 ? pool->take(bytes) : Ref<AlignedBuffer>();
      if (buffer) {
        ASSERT_GE(buffer->capacity(), bytes);
        ASSERT_EQ(reinterpret_cast<std::uintptr_t>(buffer->data()) % kPage, 0U);
        const char mark = static_cast<char>(random());
        std::memset(buffer->data(), mark, bytes);
        held.push_back({std::move(buffer), mark});
      } else if (!held.empty()) {
        const std::size_t i = random() % held.size();
        const char* const data = held[i].buffer->data();
        ASSERT_EQ(data[0], held[i].mark);
        ASSERT_EQ(data[kPage - 1], held[i].mark);
        std::swap(held[i], held.back());
        held.pop_back();
      }
    }
    std::uint64_t sum = 0;
    for (const Held& each : held) sum += each.buffer->capacity();
    EXPECT_EQ(pool->used_bytes(), sum);
  }
}

TEST(SsdBuffers, ABufferOutlivesWhoHasThePool) {
  auto pool = BufferPool::create(8 * kMiB, 8 * kMiB);
  Ref<AlignedBuffer> buffer = pool->take(17 * kPage);
  pool.reset();
  std::memset(buffer->data(), 1, buffer->capacity());
  buffer.reset();
}

}  // namespace
}  // namespace meridian::ssd
