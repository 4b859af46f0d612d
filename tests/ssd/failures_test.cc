#include <gtest/gtest.h>

#include <array>
#include <fstream>

#include "tests/ssd/fault_disk.h"
#include "tests/ssd/harness.h"

// A disk that fails, fills up, turns read-only or answers late; and what a restart finds.
namespace meridian {
namespace {

using State = ssd::Health::State;

class SsdFailures : public ::testing::Test {
 protected:
  SsdOptions options() {
    SsdOptions options = test::small_options("disk", SsdIo::kThreads);
    options.disk = &disk_;
    options.clock = &clock_;
    return options;
  }
  test::FaultDisk disk_;
  test::SharedClock clock_;
};

TEST_F(SsdFailures, FailedWritesAreMissesThenTheTierTakesNoMoreAndThenRecovers) {
  test::SsdHarness harness(options());
  harness.ssd().put(test::object_of("before", 1, 1000));
  harness.settle();
  disk_.fail_write = EIO;
  for (unsigned i = 0; i < ssd::Health::kMostWriteFailures; ++i) {
    EXPECT_TRUE(harness.ssd().put(test::object_of("lost", 1, 1000)));
    EXPECT_FALSE(harness.flush());
    EXPECT_FALSE(harness.get("lost")) << "its batch was not written";
  }
  EXPECT_EQ(harness.ssd().state(), State::kReadOnly);
  EXPECT_NE(harness.ssd().reason().find("write"), std::string::npos);
  EXPECT_FALSE(harness.ssd().put(test::object_of("refused", 1, 1000)));
  EXPECT_TRUE(harness.get("before")) << "reading goes on";
  EXPECT_GE(harness.ssd().counters().write_errors, ssd::Health::kMostWriteFailures);
  disk_.fail_write = 0;
  EXPECT_FALSE(harness.ssd().put(test::object_of("too soon", 1, 1000)));
  clock_.advance_ms(ssd::Health::kRetryMs);
  EXPECT_TRUE(harness.ssd().put(test::object_of("after", 1, 1000)));
  EXPECT_TRUE(harness.flush());
  EXPECT_EQ(harness.ssd().state(), State::kOk);
  EXPECT_EQ(harness.ssd().reason(), "");
  EXPECT_TRUE(harness.get("after"));
}

TEST_F(SsdFailures, ARemovalThatCouldNotBeWrittenIsNotForgotten) {
  {
    test::SsdHarness harness(options());
    harness.ssd().put(test::object_of("key", 1, 1000));
    ASSERT_TRUE(harness.flush());
    disk_.fail_write = EIO;
    harness.ssd().remove("key");
    EXPECT_FALSE(harness.flush()) << "it is not durable";
    EXPECT_FALSE(harness.get("key"));
    disk_.fail_write = 0;
    EXPECT_TRUE(harness.flush());
  }
  test::SsdHarness harness(options());
  EXPECT_FALSE(harness.get("key"));
}

TEST_F(SsdFailures, ASyncThatFailsIsNotCalledDurable) {
  test::SsdHarness harness(options());
  harness.ssd().put(test::object_of("key", 1, 1000));
  disk_.fail_sync = EIO;
  EXPECT_FALSE(harness.flush());
  EXPECT_EQ(harness.ssd().counters().sync_errors, 1U);
}

TEST_F(SsdFailures, FailedReadsAreMissesAndThenTheDiskIsLeftAlone) {
  test::SsdHarness harness(options());
  for (int i = 0; i < 40; ++i) harness.ssd().put(test::object_of("key " + std::to_string(i), 1, 5000));
  harness.settle();
  disk_.fail_read = EIO;
  for (unsigned i = 0; i < ssd::Health::kMostReadFailures; ++i)
    EXPECT_FALSE(harness.get("key " + std::to_string(i)));
  EXPECT_EQ(harness.ssd().state(), State::kOff);
  EXPECT_FALSE(harness.get("key 30"));
  EXPECT_EQ(harness.ssd().counters().read_errors, ssd::Health::kMostReadFailures);
  EXPECT_GE(harness.ssd().counters().shed_reads, 1U);
  disk_.fail_read = 0;
  clock_.advance_ms(ssd::Health::kRetryMs);
  EXPECT_TRUE(harness.get("key 31"));
  EXPECT_EQ(harness.ssd().state(), State::kOk);
  EXPECT_TRUE(harness.get("key 0")) << "an error of the disk does not make it forget";
}

TEST_F(SsdFailures, ASlowReadIsAMissInTime) {
  auto loop = EventLoop::create(clock_);
  ASSERT_TRUE(loop);
  auto tier = SsdTier::open(options());
  ASSERT_TRUE(tier);
  SsdReader reader(**tier, **loop);
  (*tier)->put(test::object_of("key", 1, 5000));
  std::atomic<bool> flushed{false};
  (*tier)->flush([&](bool) { flushed = true; });
  while (!flushed) (*loop)->run_once();
  disk_.hold_reads(true);
  int misses = 0;
  reader.get("key", [&](const Ref<const Object>& found) { misses += found ? 0 : 1; });
  (*loop)->run_once();
  EXPECT_EQ(misses, 0);
  clock_.advance_ms(1100);
  (*loop)->run_once();
  EXPECT_EQ(misses, 1);
  EXPECT_EQ((*tier)->counters().slow_reads, 1U);
  EXPECT_EQ(reader.under_way(), 1U) << "the disk still has it";
  disk_.hold_reads(false);
  while (reader.under_way() > 0) (*loop)->run_once();
  EXPECT_EQ(misses, 1);
}

TEST_F(SsdFailures, AReadOnlyDiskStillServes) {
  {
    test::SsdHarness harness(options());
    harness.ssd().put(test::object_of("key", 1, 1000));
    harness.settle();
  }
  disk_.read_only = true;
  test::SsdHarness harness(options());
  ASSERT_TRUE(harness.is_open());
  EXPECT_EQ(harness.ssd().state(), State::kReadOnly);
  EXPECT_TRUE(harness.get("key"));
  EXPECT_FALSE(harness.ssd().put(test::object_of("other", 1, 1000)));
  EXPECT_EQ(harness.ssd().begin("other", {}, "", 5), nullptr);
}

TEST_F(SsdFailures, AFullDiskIsNoticedAtTheStart) {
  disk_.fail_open = ENOSPC;
  const auto tier = SsdTier::open(options());
  ASSERT_FALSE(tier);
  EXPECT_NE(tier.error().context.find("No space"), std::string::npos);
}

TEST_F(SsdFailures, WritersThatOutrunTheDiskAreShed) {
  SsdOptions small = options();
  small.buffer_bytes = 1;
  test::SsdHarness harness(std::move(small));
  unsigned shed = 0;
  for (int i = 0; i < 400; ++i) {
    const std::string key = "key " + std::to_string(i);
    const bool put = harness.ssd().put(test::object_of(key, 1, 30'000));
    shed += put ? 0U : 1U;
    if (!put) {
      EXPECT_FALSE(harness.get(key));
    }
  }
  EXPECT_EQ(harness.ssd().counters().shed_writes, shed);
  harness.settle();
  EXPECT_TRUE(harness.ssd().put(test::object_of("later", 1, 30'000)));
}

TEST(SsdRestart, ServesWhatItHadAfterACleanEnd) {
  test::Folder folder;
  {
    test::SsdHarness harness(test::small_options(folder.path()));
    for (int i = 0; i < 300; ++i) {
      harness.ssd().put(test::object_of("key " + std::to_string(i), 1, i % 20 == 0 ? 100'000 : 3000));
      if (i % 50 == 0) harness.settle();
    }
    harness.ssd().remove("key 7");
  }
  test::SsdHarness harness(test::small_options(folder.path()));
  EXPECT_EQ(harness.ssd().stats().objects, 299U);
  for (int i = 0; i < 300; ++i) {
    const std::string key = "key " + std::to_string(i);
    const auto found = harness.get(key);
    ASSERT_EQ(static_cast<bool>(found), i != 7) << i;
    EXPECT_TRUE(!found || test::is_whole(*found, key));
  }
}

TEST(SsdRestart, AnotherSizeKeepsWhatFitsAndAnotherChunkSizeStartsAnew) {
  test::Folder folder;
  {
    test::SsdHarness harness(test::small_options(folder.path()));
    harness.ssd().put(test::object_of("key", 1, 3000));
  }
  SsdOptions larger = test::small_options(folder.path());
  larger.size_bytes = 20 * test::kMiB;
  {
    test::SsdHarness harness(std::move(larger));
    EXPECT_TRUE(harness.get("key"));
  }
  SsdOptions chunks = test::small_options(folder.path());
  chunks.chunk_bytes = 64 << 10;
  test::SsdHarness harness(std::move(chunks));
  EXPECT_FALSE(harness.get("key"));
  EXPECT_EQ(harness.ssd().stats().objects, 0U);
}

TEST(SsdRestart, AFileOfAnotherVersionOfTheFormatStartsAnew) {
  test::Folder folder;
  {
    test::SsdHarness harness(test::small_options(folder.path()));
    harness.ssd().put(test::object_of("key", 1, 3000));
  }
  {
    std::fstream file(folder.file(), std::ios::in | std::ios::out | std::ios::binary);
    for (const std::uint64_t page : {std::uint64_t{0}, ssd::kPage}) {
      std::array<char, 8> magic{};
      file.seekg(static_cast<std::streamoff>(page)).read(magic.data(), magic.size());
      ASSERT_EQ(std::string_view(magic.data(), magic.size()), "SMRFILE2");
      file.seekp(static_cast<std::streamoff>(page)).write("SMRFILE1", magic.size());
    }
  }
  test::SsdHarness harness(test::small_options(folder.path()));
  ASSERT_TRUE(harness.is_open());
  EXPECT_FALSE(harness.get("key"));
  EXPECT_EQ(harness.ssd().stats().objects, 0U);
  harness.ssd().put(test::object_of("key", 2, 3000));
  EXPECT_TRUE(harness.get("key"));
}

TEST(SsdRestart, OneProcessHasItAtATime) {
  test::Folder folder;
  test::SsdHarness harness(test::small_options(folder.path()));
  const auto second = SsdTier::open(test::small_options(folder.path()));
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().retryable);
  harness.close();
  EXPECT_TRUE(SsdTier::open(test::small_options(folder.path())));
}

TEST(SsdRestart, KeysAreRotatedAndDropped) {
  test::Folder folder;
  const std::string keys = folder.path() + "/keys";
  const std::string one = "1 " + std::string(64, '1') + "\n";
  const std::string two = "2 " + std::string(64, '2') + "\n";
  const auto open_with = [&](const std::string& text) {
    std::ofstream(keys) << text;
    SsdOptions options = test::small_options(folder.path());
    options.key_file = keys;
    return options;
  };
  {
    test::SsdHarness harness(open_with(one));
    harness.ssd().put(test::object_of("first", 1, 3000));
  }
  {
    test::SsdHarness harness(open_with(two + one));
    EXPECT_TRUE(harness.get("first"));
    harness.ssd().put(test::object_of("second", 1, 3000));
  }
  std::ifstream file(folder.file(), std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(bytes.find(test::bytes_of("second", 1, "body", 40)), std::string::npos);
  test::SsdHarness harness(open_with(two));
  EXPECT_TRUE(harness.get("second"));
  EXPECT_FALSE(harness.get("first"));
}

TEST(SsdRestart, WhatCannotBeIsRefusedInWords) {
  test::Folder folder;
  const auto refused = [&](const auto& change) {
    SsdOptions options = test::small_options(folder.path());
    change(options);
    const auto tier = SsdTier::open(std::move(options));
    return !tier && !tier.error().context.empty();
  };
  EXPECT_TRUE(refused([](SsdOptions& o) { o.size_bytes = test::kMiB; }));
  EXPECT_TRUE(refused([](SsdOptions& o) { o.segment_bytes = 12345; }));
  EXPECT_TRUE(refused([](SsdOptions& o) { o.chunk_bytes = 100; }));
  EXPECT_TRUE(refused([](SsdOptions& o) { o.chunk_bytes = 2 << 20; }));
  EXPECT_TRUE(refused([](SsdOptions& o) { o.path = "/nowhere/at/all"; }));
  EXPECT_TRUE(refused([](SsdOptions& o) { o.key_file = "/nowhere/keys"; }));
}

}  // namespace
}  // namespace meridian
