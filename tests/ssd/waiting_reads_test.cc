#include <gtest/gtest.h>

#include <thread>

#include "tests/ssd/fault_disk.h"
#include "tests/ssd/harness.h"

// Reads for a body whose head is out: they wait for their turn, in order, until the disk answers or a limit.
namespace meridian {
namespace {

using test::kMiB;

constexpr std::size_t kChunk = 32 << 10;
constexpr std::size_t kChunks = 12;

class SsdWaitingReads : public ::testing::Test {
 protected:
  SsdOptions options() {
    SsdOptions options = test::small_options("disk", SsdIo::kThreads);
    options.disk = &disk_;
    options.reads_per_worker = 4;
    return options;
  }
  static std::string chunk_of(std::size_t i) { return test::bytes_of("key", i, "chunk", kChunk); }
  static std::shared_ptr<const SsdLarge> put_large(SsdTier& tier) {
    auto large = tier.begin_chunks("key", test::meta_of("key", 1), "head", kChunks * kChunk);
    for (std::size_t i = 0; large && i < kChunks; ++i) {
      if (!tier.put_chunk(*large, i, test::slices_of(chunk_of(i)))) return nullptr;
    }
    return large;
  }
  // Asks for all chunks.
  [[nodiscard]] std::vector<SsdRead> ask(SsdReader& reader, const SsdLarge& large, WhenBusy when_busy) {
    std::vector<SsdRead> reads;
    for (std::size_t i = 0; i < kChunks; ++i) {
      reads.push_back(reader.read_chunk(
          large, i,
          [this, i](Slice bytes) {
            order_.push_back(i);
            (bytes.data != nullptr ? found_ : missed_) += 1;
            if (bytes.data != nullptr) {
              EXPECT_EQ(bytes.view(), chunk_of(i));
            }
            held_.push_back(std::move(bytes));
          },
          when_busy));
    }
    return reads;
  }
  test::FaultDisk disk_;
  std::vector<std::size_t> order_;
  std::vector<Slice> held_;
  std::size_t found_ = 0, missed_ = 0;
};

TEST_F(SsdWaitingReads, MoreThanMayBeUnderWayComeInTheirOrder) {
  test::SsdHarness harness(options());
  const auto large = put_large(harness.ssd());
  ASSERT_TRUE(large);
  harness.settle();
  disk_.hold_reads(true);
  std::vector<SsdRead> reads = ask(harness.reader(), *large, WhenBusy::kWait);
  EXPECT_EQ(harness.reader().under_way(), 4U);
  EXPECT_EQ(harness.ssd().counters().queued_reads, kChunks - 4);
  reads[6].cancel();
  disk_.hold_reads(false);
  harness.run_until([&] { return found_ + missed_ == kChunks - 1; });
  EXPECT_EQ(missed_, 0U);
  EXPECT_EQ(std::count(order_.begin(), order_.end(), 6U), 0);
  EXPECT_EQ(harness.ssd().counters().shed_reads, 0U);
}

TEST_F(SsdWaitingReads, MemoryThatComesBackFromAnotherThreadLetsThemGoOn) {
  SsdOptions with_little = options();
  with_little.reads_per_worker = 64;
  with_little.read_buffer_bytes = 4 * (kChunk + 2 * ssd::kPage);
  test::SsdHarness harness(std::move(with_little));
  const auto large = put_large(harness.ssd());
  ASSERT_TRUE(large);
  harness.settle();
  std::vector<SsdRead> reads = ask(harness.reader(), *large, WhenBusy::kWait);
  const std::size_t at_first = harness.reader().under_way();
  EXPECT_LT(at_first, kChunks);
  while (found_ < kChunks) {
    harness.run_until([&] { return !held_.empty(); });
    EXPECT_EQ(missed_, 0U);
    std::thread elsewhere([held = std::exchange(held_, {})]() mutable { held.clear(); });
    elsewhere.join();
  }
  EXPECT_EQ(harness.ssd().counters().shed_reads, 0U);
}

TEST_F(SsdWaitingReads, AReaderMayGoWhileItsReadsStandInLine) {
  SsdOptions with_little = options();
  with_little.read_buffer_bytes = kChunk + 2 * ssd::kPage;
  test::SsdHarness harness(std::move(with_little));
  const auto large = put_large(harness.ssd());
  ASSERT_TRUE(large);
  harness.settle();
  std::vector<SsdRead> reads = ask(harness.reader(), *large, WhenBusy::kWait);
  harness.run_until([&] { return !held_.empty(); });
  for (SsdRead& read : reads) read.cancel();
  harness.close();
  held_.clear();
  harness.loop().run_once();
  EXPECT_LE(found_, 1U);
}

TEST_F(SsdWaitingReads, ThereIsALimitToTheLineAndOthersAreShedAtOnce) {
  SsdOptions short_line = options();
  short_line.waiting_reads = 3;
  test::SsdHarness harness(std::move(short_line));
  const auto large = put_large(harness.ssd());
  ASSERT_TRUE(large);
  harness.settle();
  disk_.hold_reads(true);
  std::vector<SsdRead> reads = ask(harness.reader(), *large, WhenBusy::kWait);
  EXPECT_EQ(missed_, kChunks - 4 - 3);
  EXPECT_EQ(harness.ssd().counters().shed_reads, kChunks - 4 - 3);
  missed_ = 0;
  const std::vector<SsdRead> impatient = ask(harness.reader(), *large, WhenBusy::kMiss);
  EXPECT_EQ(missed_, kChunks);
  for (std::size_t i = 0; i < kChunks; ++i) {
    EXPECT_TRUE(harness.ssd().may_have_chunk(*large, i)) << "what is shed is not lost";
  }
  disk_.hold_reads(false);
  harness.run_until([&] { return found_ == 4 + 3; });
}

TEST_F(SsdWaitingReads, ADiskThatStallsIsGivenUpAtTheLimitAndNotBefore) {
  ManualClock clock;
  SsdOptions slow = options();
  slow.clock = &clock;
  slow.stall_timeout_ms = 5000;
  auto loop = EventLoop::create(clock);
  ASSERT_TRUE(loop);
  auto tier = SsdTier::open(std::move(slow));
  ASSERT_TRUE(tier);
  SsdReader reader(**tier, **loop);
  const auto large = put_large(**tier);
  ASSERT_TRUE(large);
  std::atomic<bool> flushed{false};
  (*tier)->flush([&](bool) { flushed = true; });
  while (!flushed) (*loop)->run_once();
  disk_.hold_reads(true);
  const std::vector<SsdRead> reads = ask(reader, *large, WhenBusy::kWait);
  for (int i = 0; i < 4; ++i) {
    clock.advance_ms(1100);
    (*loop)->run_once();
    EXPECT_EQ(missed_, 0U);
    EXPECT_TRUE(reader.hangs());
  }
  clock.advance_ms(1100);
  (*loop)->run_once();
  EXPECT_EQ(missed_, kChunks);
  EXPECT_EQ((*tier)->counters().stalled_reads, kChunks);
  EXPECT_TRUE((*tier)->may_have_chunk(*large, 0));
  disk_.hold_reads(false);
  while (reader.under_way() > 0) (*loop)->run_once();
  clock.advance_ms(1100);
  (*loop)->run_once();
  EXPECT_FALSE(reader.hangs());
  EXPECT_EQ(found_, 0U);
}

TEST_F(SsdWaitingReads, APieceThatCannotBeReadMakesTheObjectIncomplete) {
  test::SsdHarness harness(options());
  const auto large = put_large(harness.ssd());
  ASSERT_TRUE(large);
  harness.settle();
  disk_.fail_read = EIO;
  EXPECT_EQ(harness.chunk(*large, 5).data, nullptr);
  EXPECT_FALSE(harness.ssd().may_have_chunk(*large, 5));
  EXPECT_TRUE(harness.ssd().may_have_chunk(*large, 6));
}

TEST_F(SsdWaitingReads, WhatTheCleanerMovesUnderAReaderIsFoundAgain) {
  SsdOptions roomy = options();
  roomy.size_bytes = 12 * kMiB;
  test::SsdHarness harness(std::move(roomy));
  harness.ssd().put(test::object_of("moved", 1, 5000));
  harness.settle();
  ASSERT_TRUE(harness.get("moved"));
  disk_.hold_next_read();
  Ref<const Object> found;
  bool called = false;
  harness.reader().get("moved", [&](Ref<const Object> object) {
    called = true;
    found = std::move(object);
  });
  harness.run_until([&] { return disk_.holds_one(); });
  // The log goes round once, and writes over where it was.
  for (std::size_t i = 0; i < 1500 && !called; ++i) {
    harness.ssd().put(test::object_of("other " + std::to_string(i), 1, 10'000));
    if (i % 50 != 0) continue;
    harness.flush();
    harness.run_until([&] { return harness.ssd().at_rest(); });
  }
  EXPECT_GT(harness.ssd().counters().reinserted, 0U);
  EXPECT_FALSE(called);
  disk_.hold_reads(false);
  harness.run_until([&] { return called; });
  ASSERT_TRUE(found);
  EXPECT_TRUE(test::is_whole(*found, "moved"));
  EXPECT_EQ(harness.ssd().counters().bad_records, 0U);
}

}  // namespace
}  // namespace meridian
