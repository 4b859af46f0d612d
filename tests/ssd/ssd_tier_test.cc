#include "edge/tiers/ssd/ssd_tier.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "edge/tiers/admission_policies.h"
#include "tests/ssd/fault_disk.h"
#include "tests/ssd/harness.h"

// What the tier does beyond what every tier does.
namespace meridian {
namespace {

using test::kMiB;

std::string key_of(std::size_t i) { return "http://a.test/" + std::to_string(i); }

TEST(SsdTier, GivesWhatIsStillInMemoryWithoutTheDisk) {
  test::Folder folder;
  test::SsdHarness harness(test::small_options(folder.path()));
  harness.ssd().put(test::object_of("key", 1, 10'000));
  bool called = false;
  harness.reader().get("key", [&](const Ref<const Object>& found) {
    called = true;
    EXPECT_TRUE(found && test::is_whole(*found, "key"));
  });
  EXPECT_TRUE(called) << "at once";
  EXPECT_EQ(harness.ssd().counters().read_bytes, 0U);
  harness.settle();
  EXPECT_TRUE(harness.get("key"));
  EXPECT_GT(harness.ssd().counters().read_bytes, 0U);
}

TEST(SsdTier, ASmallObjectIsOneReadOfAboutItsSize) {
  test::Folder folder;
  SsdOptions options = test::small_options(folder.path());
  options.chunk_bytes = 256 << 10;
  options.segment_bytes = kMiB;
  test::SsdHarness harness(std::move(options));
  harness.ssd().put(test::object_of("key", 1, 64 << 10));
  harness.settle();
  const auto found = harness.get("key");
  ASSERT_TRUE(found);
  EXPECT_LE(harness.ssd().counters().read_bytes, (64U << 10U) + 2 * ssd::kPage);
  EXPECT_EQ(found->piece_count(), 1U);
}

TEST(SsdTier, TheCallerMayDropAReadAtAnyTime) {
  test::FaultDisk disk;
  SsdOptions options = test::small_options("disk", SsdIo::kThreads);
  options.disk = &disk;
  test::SsdHarness harness(std::move(options));
  harness.ssd().put(test::object_of("key", 1, 10'000));
  harness.settle();
  disk.hold_reads(true);
  int calls = 0;
  {
    const SsdRead dropped =
        harness.reader().find(hash_of_key("key"), "key", [&](const SsdFound&) { ++calls; });
    EXPECT_EQ(harness.reader().under_way(), 1U);
  }
  disk.hold_reads(false);
  harness.run_until([&] { return harness.reader().under_way() == 0; });
  EXPECT_EQ(calls, 0);
  EXPECT_TRUE(harness.get("key"));
}

TEST(SsdTier, AReaderMayGoWhileTheDiskReads) {
  for (const SsdIo io : {SsdIo::kUring, SsdIo::kThreads}) {
    test::Folder folder;
    test::SsdHarness harness(test::small_options(folder.path(), io));
    for (std::size_t i = 0; i < 50; ++i) harness.ssd().put(test::object_of(key_of(i), 1, 10'000));
    harness.settle();
    bool gone = false;
    for (std::size_t i = 0; i < 50; ++i) {
      harness.reader().get(key_of(i), [&](const Ref<const Object>&) { EXPECT_FALSE(gone); });
    }
    EXPECT_EQ(harness.reader().under_way(), 50U);
    harness.loop().run_once();
    gone = true;
    harness.close();
    harness.loop().run_once();
  }
}

TEST(SsdTier, ManyReadsAtOnceAreBounded) {
  test::FaultDisk disk;
  SsdOptions options = test::small_options("disk", SsdIo::kThreads);
  options.disk = &disk;
  options.reads_per_worker = 8;
  test::SsdHarness harness(std::move(options));
  for (std::size_t i = 0; i < 20; ++i) harness.ssd().put(test::object_of(key_of(i), 1, 5000));
  harness.settle();
  disk.hold_reads(true);
  int found = 0, missed = 0;
  for (std::size_t i = 0; i < 20; ++i) {
    harness.reader().get(key_of(i), [&](const Ref<const Object>& object) { ++(object ? found : missed); });
  }
  EXPECT_EQ(missed, 12);
  EXPECT_EQ(harness.ssd().counters().shed_reads, 12U);
  disk.hold_reads(false);
  harness.run_until([&] { return harness.reader().under_way() == 0; });
  EXPECT_EQ(found, 8);
}

TEST(SsdTier, WorkersReadAndWriteAtTheSameTime) {
  test::Folder folder;
  SsdOptions options = test::small_options(folder.path());
  options.size_bytes = 12 * kMiB;
  auto tier = SsdTier::open(std::move(options));
  ASSERT_TRUE(tier);
  std::vector<std::thread> workers;
  std::atomic<int> wrong{0};
  std::atomic<std::uint64_t> found_count{0};
  for (unsigned worker = 0; worker < 3; ++worker) {
    workers.emplace_back([&, worker] {
      auto loop = EventLoop::create();
      SsdReader reader(**tier, **loop);
      std::mt19937_64 random(worker);
      for (std::uint64_t version = 1; version < 600; ++version) {
        const std::string key = key_of(random() % 100);
        if (random() % 10 == 0) (*tier)->remove(key);
        (*tier)->put(test::object_of(key, version, random() % (random() % 8 == 0 ? 120'000 : 20'000)));
        for (int i = 0; i < 4; ++i) {
          const std::string asked = key_of(random() % 100);
          reader.get(asked, [&, asked](const Ref<const Object>& found) {
            if (!found) return;
            ++found_count;
            if (!test::is_whole(*found, asked)) ++wrong;
          });
        }
        while (reader.under_way() > 0) (*loop)->run_once();
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(found_count, 1000U);
  EXPECT_EQ((*tier)->counters().bad_records, 0U);
}

TEST(SsdTier, WhatIsReadAgainIsKeptAndTheRestGoesRoundByRound) {
  test::Folder folder;
  test::SsdHarness harness(test::small_options(folder.path()));
  harness.ssd().put(test::object_of("hot", 1, 5000));
  harness.ssd().put(test::object_of("cold", 1, 5000));
  harness.settle();
  for (std::size_t i = 0; i < 4000; ++i) {
    harness.ssd().put(test::object_of(key_of(i), 1, 10'000));
    if (i % 100 == 0) {
      EXPECT_TRUE(harness.get("hot")) << i;
    }
    if (i % 50 == 0) harness.settle();
  }
  EXPECT_FALSE(harness.get("cold"));
  EXPECT_GT(harness.ssd().counters().reinserted, 0U);
  EXPECT_GT(harness.ssd().stats().evictions, 1000U);
}

TEST(SsdTier, MoreUsesAreAskedForAsMoreIsKept) {
  ssd::KeepWhatIsUsed policy;
  EXPECT_FALSE(policy.keep(0, 100, 0, 0));
  EXPECT_TRUE(policy.keep(1, 100, 0.2, 0.2));
  EXPECT_FALSE(policy.keep(1, 100, 0.3, 0));
  EXPECT_FALSE(policy.keep(1, 100, 0, 0.3));
  EXPECT_TRUE(policy.keep(2, 100, 0.3, 0.3));
  EXPECT_FALSE(policy.keep(2, 100, 0, 0.6));
  EXPECT_TRUE(policy.keep(3, 100, 0, 0.6));
  EXPECT_FALSE(policy.keep(3, 100, 0.5, 0)) << "giving up a segment makes room";
  EXPECT_FALSE(policy.keep(3, 100, 0, 0.95)) << "the budget is for what is new";
}

TEST(SsdTier, WhatTheJudgeCallsDeadIsNeitherFoundNorKept) {
  test::Folder folder;
  std::atomic<std::uint64_t> purged_up_to{0};
  SsdOptions options = test::small_options(folder.path());
  options.is_dead = [&](std::string_view, const ObjectMeta& meta) { return meta.fill_seq <= purged_up_to; };
  test::SsdHarness harness(std::move(options));
  harness.ssd().put(test::object_of("old", 5, 1000));
  harness.ssd().put(test::object_of("new", 6, 1000));
  harness.settle();
  EXPECT_TRUE(harness.get("old"));
  purged_up_to = 5;
  EXPECT_FALSE(harness.get("old"));
  EXPECT_TRUE(harness.get("new"));
  EXPECT_EQ(harness.ssd().counters().dead_records, 1U);
  EXPECT_EQ(harness.ssd().stats().objects, 1U);
}

TEST(SsdTier, PutAsksWhetherItIsStillValid) {
  test::Folder folder;
  test::SsdHarness harness(test::small_options(folder.path()));
  EXPECT_FALSE(harness.ssd().put(test::object_of("small", 1, 100), {.still_valid = [] { return false; }}));
  EXPECT_FALSE(
      harness.ssd().put(test::object_of("large", 1, 100'000), {.still_valid = [] { return false; }}));
  EXPECT_TRUE(harness.ssd().put(test::object_of("yes", 1, 100), {.still_valid = [] { return true; }}));
  EXPECT_FALSE(harness.get("small"));
  EXPECT_FALSE(harness.get("large"));
  EXPECT_TRUE(harness.get("yes"));
}

TEST(SsdTier, TheBudgetDecidesHowMuchIsWritten) {
  test::FaultDisk disk;
  ManualClock clock;
  SsdOptions options = test::small_options("disk", SsdIo::kThreads);
  options.disk = &disk;
  options.clock = &clock;
  options.admission = std::make_unique<AdmitAll>();
  options.write_budget_bytes = 24 * 100'000;  // the bucket holds an hour's worth
  test::SsdHarness harness(std::move(options));
  for (std::size_t i = 0; i < 100; ++i) harness.ssd().put(test::object_of(key_of(i), 1, 10'000));
  const TierStats stats = harness.ssd().stats();
  EXPECT_LT(stats.inserts, 20U);
  EXPECT_EQ(stats.inserts + stats.rejections, 100U);
  harness.ssd().set_write_budget(0);
  EXPECT_TRUE(harness.ssd().put(test::object_of("more", 1, 10'000)));
}

TEST(SsdTier, APolicyThatRefusesLeavesNothingOlderBehind) {
  test::Folder folder;
  SsdOptions options = test::small_options(folder.path());
  options.admission = std::make_unique<SecondHit>(1000);
  test::SsdHarness harness(std::move(options));
  EXPECT_FALSE(harness.ssd().put(test::object_of("key", 1, 100)));
  EXPECT_TRUE(harness.ssd().put(test::object_of("key", 2, 100)));
  EXPECT_TRUE(harness.get("key"));
  EXPECT_TRUE(harness.ssd().put(test::object_of("other", 1, 100), {.reused = true}));
  EXPECT_FALSE(harness.ssd().put(test::object_of("key", 3, 100)));
  EXPECT_FALSE(harness.get("key"));
}

TEST(SsdTier, WhoHoldsWhatIsNotWrittenYetDoesNotHoldUpTheLog) {
  test::FaultDisk disk;
  SsdOptions options = test::small_options("disk", SsdIo::kThreads);
  options.disk = &disk;
  options.buffer_bytes = 1;  // room for a few batches
  test::SsdHarness harness(std::move(options));
  std::vector<Ref<const Object>> held;
  for (std::size_t i = 0; i < 40; ++i) {
    ASSERT_TRUE(harness.ssd().put(test::object_of(key_of(i), 1, 30'000))) << i;
    held.push_back(harness.get(key_of(i)));
    ASSERT_TRUE(held.back());
    if (i % 4 == 3) {
      ASSERT_TRUE(harness.flush());
    }
  }
  EXPECT_EQ(harness.ssd().counters().read_bytes, 0U) << "all of it came from memory";
  for (std::size_t i = 0; i < held.size(); ++i) EXPECT_TRUE(test::is_whole(*held[i], key_of(i)));
}

TEST(SsdTier, WhatIsNotWrittenYetAndFindsNoMemoryIsNotLookedForOnTheDisk) {
  test::FaultDisk disk;
  SsdOptions options = test::small_options("disk", SsdIo::kThreads);
  options.disk = &disk;
  options.read_buffer_bytes = 48 << 10;  // for one of the two
  test::SsdHarness harness(std::move(options));
  ASSERT_TRUE(harness.ssd().put(test::object_of("one", 1, 30'000)));
  ASSERT_TRUE(harness.ssd().put(test::object_of("two", 1, 30'000)));
  Ref<const Object> one = harness.get("one");
  ASSERT_TRUE(one);
  EXPECT_FALSE(harness.get("two"));
  EXPECT_EQ(harness.ssd().counters().shed_reads, 1U);
  EXPECT_EQ(harness.ssd().counters().bad_records, 0U);
  one.reset();
  EXPECT_TRUE(harness.get("two"));
}

int descriptor_of_ring() {
  for (int fd = 0; fd < 1000; ++fd) {
    char target[64] = {};
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    if (::readlink(link.c_str(), target, sizeof target - 1) > 0 &&
        std::string_view(target) == "anon_inode:[io_uring]")
      return fd;
  }
  return -1;
}

TEST(SsdTier, ReadsThatTheKernelRefusesAreMissesAndThenTheDiskIsLeftAlone) {
  test::Folder folder;
  ManualClock clock;
  SsdOptions options = test::small_options(folder.path(), SsdIo::kUring);
  options.clock = &clock;
  test::SsdHarness harness(std::move(options));
  if (!harness.reader().uses_uring()) GTEST_SKIP() << "the kernel has no io_uring for us";
  for (std::size_t i = 0; i < 40; ++i) harness.ssd().put(test::object_of(key_of(i), 1, 5000));
  harness.settle();
  EXPECT_TRUE(harness.get(key_of(0)));
  const int ring = descriptor_of_ring();
  ASSERT_GE(ring, 0);
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::dup2(nothing, ring), ring);
  ::close(nothing);
  for (std::size_t i = 1; i <= ssd::Health::kMostReadFailures; ++i) EXPECT_FALSE(harness.get(key_of(i)));
  EXPECT_EQ(harness.ssd().counters().read_errors, ssd::Health::kMostReadFailures);
  EXPECT_EQ(harness.ssd().counters().slow_reads, 0U);
  EXPECT_EQ(harness.reader().under_way(), 0U);
  EXPECT_EQ(harness.ssd().state(), ssd::Health::State::kOff);
}

}  // namespace
}  // namespace meridian
