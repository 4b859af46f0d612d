#include <gtest/gtest.h>

#include "tests/ssd/fault_disk.h"
#include "tests/ssd/harness.h"

// What is gone stays gone: whatever left the index by another way than a removal does not come back with a
// restart either, so that who does not find it need not remove it; and a removal becomes durable by itself,
// within a bound, and is not called so before.
namespace meridian {
namespace {

constexpr const char* kFile = "disk/meridian.cache";

class SsdRemoval : public ::testing::Test {
 protected:
  SsdOptions options() { return options_on(disk_); }
  static SsdOptions options_on(test::FaultDisk& disk) {
    SsdOptions options = test::small_options("disk", SsdIo::kThreads);
    options.disk = &disk;
    options.read_threads = 1;
    return options;
  }
  // As the edge does: what is surely not there needs no removal.
  static void remove(test::SsdHarness& harness, const std::string& key) {
    if (harness.ssd().may_have(hash_of_key(key))) harness.ssd().remove(key);
  }
  // What the disk would bring back had the machine stopped here: nothing that was not synced.
  bool comes_back(const std::string& key) {
    const std::vector<test::FaultDisk::Event> events = disk_.events(kFile);
    test::CrashStates states(std::string(disk_.bytes(kFile).size(), '\0'), events);
    test::FaultDisk disk;
    disk.set_bytes(kFile, states.synced_at(events.size()));
    test::SsdHarness harness(options_on(disk));
    const auto found = harness.get(key);
    EXPECT_TRUE(!found || test::is_whole(*found, key));
    return static_cast<bool>(found);
  }
  std::string fill_until_evicted(test::SsdHarness& harness, const std::string& key) {
    std::string last;
    for (int i = 0; i < 3000 && harness.ssd().may_have(hash_of_key(key)); ++i) {
      last = "other " + std::to_string(i);
      harness.ssd().put(test::object_of(last, 1, 20'000));
      if (i % 20 == 0) harness.settle();
    }
    return last;
  }
  test::FaultDisk disk_;
};

TEST_F(SsdRemoval, WhatCouldNotBeReadOnce) {
  disk_.record = true;
  test::SsdHarness harness(options());
  ASSERT_TRUE(harness.ssd().put(test::object_of("key", 1, 3000)));
  ASSERT_TRUE(harness.flush());
  // In the second page of the first segment, behind the header of the first record.
  disk_.flip_at = ssd::Geometry::kFirstSegment + ssd::kPage + 200;
  EXPECT_FALSE(harness.get("key"));
  EXPECT_EQ(harness.ssd().counters().bad_records, 1U);
  remove(harness, "key");
  ASSERT_TRUE(harness.flush());
  EXPECT_FALSE(comes_back("key"));
}

TEST_F(SsdRemoval, WhatWasJudgedDead) {
  disk_.record = true;
  bool is_dead = true;
  SsdOptions judged = options();
  judged.is_dead = [&](std::string_view, const ObjectMeta&) { return is_dead; };
  test::SsdHarness harness(std::move(judged));
  ASSERT_TRUE(harness.ssd().put(test::object_of("key", 1, 3000)));
  EXPECT_FALSE(harness.get("key"));
  remove(harness, "key");
  ASSERT_TRUE(harness.flush());
  EXPECT_FALSE(comes_back("key"));
}

TEST_F(SsdRemoval, WhatWasReplacedByABatchThatFailed) {
  disk_.record = true;
  test::SsdHarness harness(options());
  ASSERT_TRUE(harness.ssd().put(test::object_of("key", 1, 3000)));
  ASSERT_TRUE(harness.flush());
  disk_.writes_to_fail = 1;
  ASSERT_TRUE(harness.ssd().put(test::object_of("key", 2, 3000)));
  EXPECT_FALSE(harness.flush());
  EXPECT_FALSE(harness.get("key"));
  remove(harness, "key");
  ASSERT_TRUE(harness.flush());
  EXPECT_FALSE(comes_back("key"));
}

TEST_F(SsdRemoval, WhatWasGivenUpWithItsSegmentThatIsNotUsedAgainYet) {
  disk_.record = true;
  test::SsdHarness harness(options());
  ASSERT_TRUE(harness.ssd().put(test::object_of("key", 1, 3000)));
  ASSERT_TRUE(harness.flush());
  const std::string last = fill_until_evicted(harness, "key");
  ASSERT_FALSE(harness.ssd().may_have(hash_of_key("key")));
  EXPECT_EQ(disk_.bytes(kFile).substr(ssd::Geometry::kFirstSegment + ssd::kPage, 4), "MSR1")
      << "the disk still has it";
  remove(harness, "key");
  ASSERT_TRUE(harness.flush());
  EXPECT_FALSE(comes_back("key"));
  EXPECT_TRUE(comes_back(last));
}

TEST_F(SsdRemoval, WhatWasGivenUpStaysAwayWhenThePageThatSaysSoIsLost) {
  {
    test::SsdHarness harness(options());
    ASSERT_TRUE(harness.ssd().put(test::object_of("key", 1, 3000)));
    fill_until_evicted(harness, "key");
    ASSERT_TRUE(harness.flush());
  }
  std::string bytes = disk_.bytes(kFile);
  const auto shape = ssd::read_geometry(std::string_view(bytes).substr(0, ssd::kPage));
  ASSERT_TRUE(shape);
  const auto first = std::string_view(bytes).substr(ssd::Geometry::kFirstSegment, ssd::kPage);
  const auto given_up = ssd::read_given_up(first, shape->identity);
  ASSERT_TRUE(given_up);
  EXPECT_EQ(given_up->segment, 0U);
  EXPECT_EQ(given_up->generation, 1U);
  EXPECT_FALSE(given_up->distrusted);
  EXPECT_FALSE(ssd::read_given_up(first, shape->identity + 1));
  bytes[ssd::Geometry::kFirstSegment + 3] ^= 1;
  disk_.set_bytes(kFile, std::move(bytes));
  test::SsdHarness harness(options());
  EXPECT_FALSE(harness.get("key"));
  EXPECT_GT(harness.ssd().stats().objects, 100U);
}

TEST_F(SsdRemoval, ASegmentIsGivenUpLaterWhenTheDiskDoesNotTakeIt) {
  disk_.record = true;
  test::SsdHarness harness(options());
  ASSERT_TRUE(harness.ssd().put(test::object_of("key", 1, 3000)));
  disk_.fail_page_at = ssd::Geometry::kFirstSegment;
  fill_until_evicted(harness, "key");
  EXPECT_EQ(disk_.fail_page_at, 0U) << "it was tried once in vain";
  EXPECT_FALSE(harness.ssd().may_have(hash_of_key("key")));
  ASSERT_TRUE(harness.flush());
  EXPECT_FALSE(comes_back("key"));
}

TEST_F(SsdRemoval, ASegmentThatCannotBeReadAtTheStartStaysAway) {
  {
    test::SsdHarness harness(options());
    ASSERT_TRUE(harness.ssd().put(test::object_of("key", 1, 3000)));
  }
  disk_.fail_read_at = ssd::Geometry::kFirstSegment;
  {
    test::SsdHarness harness(options());
    EXPECT_FALSE(harness.get("key"));
    remove(harness, "key");
    ASSERT_TRUE(harness.flush());
  }
  disk_.fail_read_at = 0;
  test::SsdHarness harness(options());
  EXPECT_FALSE(harness.get("key"));
}

TEST_F(SsdRemoval, BecomesDurableByItself) {
  disk_.record = true;
  SsdOptions quick = options();
  quick.write_after_ms = 1;
  test::SsdHarness harness(std::move(quick));
  ASSERT_TRUE(harness.ssd().put(test::object_of("key", 1, 3000)));
  ASSERT_TRUE(harness.flush());
  harness.ssd().remove("key");
  // No flush, no further write: the log's own clock does it.
  harness.run_until([&] { return !comes_back("key"); });
}

TEST_F(SsdRemoval, WhatIsPutIsWrittenByItself) {
  SsdOptions quick = options();
  quick.write_after_ms = 1;
  test::SsdHarness harness(std::move(quick));
  ASSERT_TRUE(harness.ssd().put(test::object_of("key", 1, 3000)));
  harness.run_until([&] { return harness.ssd().counters().written_bytes > 3000; });
}

TEST_F(SsdRemoval, NoFlushSaysTrueBeforeItIsDurable) {
  disk_.record = true;
  test::SsdHarness harness(options());
  ASSERT_TRUE(harness.ssd().put(test::object_of("key", 1, 3000)));
  ASSERT_TRUE(harness.flush());
  disk_.hold_writes(true);
  disk_.writes_to_fail = 1;
  harness.ssd().remove("key");
  // Both are asked before the batch fails.
  std::atomic<int> first{-1}, second{-1};
  harness.ssd().flush([&](bool durable) { first = durable ? 1 : 0; });
  harness.ssd().flush([&](bool durable) { second = durable ? 1 : 0; });
  disk_.hold_writes(false);
  harness.run_until([&] { return first >= 0 && second >= 0; });
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 0);
  EXPECT_TRUE(harness.flush());
  EXPECT_FALSE(comes_back("key"));
}

TEST_F(SsdRemoval, ASyncThatFailsLeavesNoRemovalBehind) {
  disk_.record = true;
  test::SsdHarness harness(options());
  ASSERT_TRUE(harness.ssd().put(test::object_of("key", 1, 3000)));
  ASSERT_TRUE(harness.flush());
  harness.ssd().remove("key");
  disk_.fail_sync = EIO;
  EXPECT_FALSE(harness.flush());
  // What was written before such a sync may be gone even though the next one succeeds.
  disk_.forget_unsynced(kFile);
  disk_.fail_sync = 0;
  EXPECT_TRUE(harness.flush());
  EXPECT_FALSE(comes_back("key"));
}

TEST_F(SsdRemoval, ThatFailsDoesNotTakeAwayWhatWasPutSince) {
  disk_.record = true;
  test::SsdHarness harness(options());
  ASSERT_TRUE(harness.ssd().put(test::object_of("key", 1, 3000)));
  ASSERT_TRUE(harness.flush());
  disk_.hold_writes(true);
  disk_.writes_to_fail = 1;
  harness.ssd().remove("key");
  std::atomic<bool> told{false};
  harness.ssd().flush([&](bool) { told = true; });
  ASSERT_TRUE(harness.ssd().put(test::object_of("key", 2, 3000)));
  disk_.hold_writes(false);
  harness.run_until([&] { return told.load(); });
  ASSERT_TRUE(harness.flush());
  EXPECT_TRUE(harness.get("key"));
  EXPECT_TRUE(comes_back("key"));
}

TEST_F(SsdRemoval, ManyThatHadToWaitAreAllDurableAfterOneFlush) {
  constexpr int kMany = 5000;
  disk_.record = true;
  test::SharedClock clock;
  SsdOptions with_clock = options();
  with_clock.clock = &clock;
  test::SsdHarness harness(std::move(with_clock));
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(harness.ssd().put(test::object_of("key " + std::to_string(i), 1, 100)));
    if (i % 50 == 0) harness.flush();
  }
  ASSERT_TRUE(harness.flush());
  disk_.fail_write = EIO;
  for (unsigned i = 0; i < ssd::Health::kMostWriteFailures; ++i) {
    harness.ssd().put(test::object_of("lost", 1, 1000));
    EXPECT_FALSE(harness.flush());
  }
  for (int i = 0; i < kMany; ++i) harness.ssd().remove("key " + std::to_string(i));
  EXPECT_FALSE(harness.flush());
  disk_.fail_write = 0;
  clock.advance_ms(ssd::Health::kRetryMs);
  // The first try tells that the disk is well again.
  bool durable = harness.flush();
  for (int i = 0; i < 5 && !durable; ++i) durable = harness.flush();
  ASSERT_TRUE(durable);
  for (int i = 0; i < 300; i += 50) EXPECT_FALSE(comes_back("key " + std::to_string(i))) << i;
}

// The newest generation that the file says was ended has its table of contents: a crash at any moment after
// that distrusts nothing.
TEST_F(SsdRemoval, ProgressIsOfSegmentsThatWereEnded) {
  disk_.record = true;
  SsdOptions roomy = options();
  roomy.buffer_bytes = 64 << 20;  // more than the file: the log would go round before anything is written
  test::SsdHarness harness(std::move(roomy));
  disk_.hold_writes(true);
  for (int i = 0; i < 1000; ++i) harness.ssd().put(test::object_of("key " + std::to_string(i), 1, 30'000));
  disk_.hold_writes(false);
  harness.settle();
  const auto shape = ssd::read_geometry(std::string_view(disk_.bytes(kFile)).substr(0, ssd::kPage));
  ASSERT_TRUE(shape);
  std::uint64_t newest_ended = 0;
  unsigned noted = 0;
  for (const auto& event : disk_.events(kFile)) {
    if (event.sync || event.bytes.size() < ssd::kPage) continue;
    const std::string_view last = std::string_view(event.bytes).substr(event.bytes.size() - ssd::kPage);
    if (const auto foot = ssd::read_segment_foot(last, shape->identity)) {
      newest_ended = std::max(newest_ended, foot->generation);
    } else if (const auto progress = ssd::read_progress(last, shape->identity)) {
      EXPECT_LE(*progress, newest_ended);
      ++noted;
    }
  }
  EXPECT_GT(noted, 10U);
}

}  // namespace
}  // namespace meridian
