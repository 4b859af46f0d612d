#include "edge/tiers/ssd/ssd_fill.h"

#include <gtest/gtest.h>

#include "tests/ssd/fault_disk.h"
#include "tests/ssd/harness.h"

namespace meridian {
namespace {

using test::kMiB;
using Write = SsdFill::Write;

class SsdFilling : public ::testing::Test {
 protected:
  static constexpr std::size_t kChunk = 32 << 10;
  std::string body_of(std::uint64_t version, std::size_t bytes) const {
    return test::bytes_of("key", version, "body", bytes);
  }
  std::unique_ptr<SsdFill> begin(std::uint64_t version, std::optional<std::uint64_t> length) {
    auto fill = harness_.ssd().begin("key", test::meta_of("key", version),
                                     test::bytes_of("key", version, "head", 50), length);
    EXPECT_TRUE(fill);
    return fill;
  }
  static bool append(SsdFill& fill, std::string_view bytes) {
    for (const Slice& slice : test::slices_of(bytes, 7000)) {
      if (fill.append(slice) != Write::kDone) return false;
    }
    return true;
  }
  test::Folder folder_;
  test::SsdHarness harness_{test::small_options(folder_.path())};
};

TEST_F(SsdFilling, BodiesOfKnownAndUnknownLengthAndEverySize) {
  std::uint64_t version = 0;
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, kChunk - 1, kChunk, kChunk + 1, 2 * kChunk,
                                  2 * kChunk + 1, std::size_t{300'001}}) {
    for (const bool known : {true, false}) {
      ++version;
      const auto fill = begin(version, known ? std::optional<std::uint64_t>(bytes) : std::nullopt);
      ASSERT_TRUE(append(*fill, body_of(version, bytes)));
      ASSERT_EQ(fill->commit(), Write::kDone);
      const auto found = harness_.get("key");
      ASSERT_TRUE(found) << bytes;
      EXPECT_TRUE(test::is_whole(*found, "key"));
      EXPECT_EQ(found->meta().fill_seq, version);
      harness_.settle();
      const auto again = harness_.get("key");
      ASSERT_TRUE(again) << bytes;
      EXPECT_TRUE(test::is_whole(*again, "key"));
    }
  }
}

TEST_F(SsdFilling, IsFoundOnlyWhenCommittedAndNotWhenGivenUp) {
  for (const std::size_t bytes : {std::size_t{100}, std::size_t{100'000}}) {
    auto fill = begin(1, bytes);
    ASSERT_TRUE(append(*fill, body_of(1, bytes)));
    EXPECT_FALSE(harness_.find("key"));
    fill.reset();
    EXPECT_FALSE(harness_.find("key"));
  }
  EXPECT_EQ(harness_.ssd().stats().inserts, 0U);
}

TEST_F(SsdFilling, FollowersReadItsChunksWhileItRuns) {
  const std::string body = body_of(1, 4 * kChunk + 100);
  const auto fill = begin(1, std::nullopt);
  EXPECT_EQ(fill->large(), nullptr);
  for (std::size_t at = 0; at < body.size(); at += 5000) {
    ASSERT_TRUE(append(*fill, std::string_view(body).substr(at, 5000)));
    if (!fill->large()) continue;
    const std::size_t chunks = fill->readable_bytes() / kChunk;
    for (std::size_t i = 0; i < chunks; ++i) {
      ASSERT_EQ(harness_.chunk(*fill->large(), i).view(), std::string_view(body).substr(i * kChunk, kChunk));
    }
    EXPECT_LE(std::min(at + 5000, body.size()) - fill->readable_bytes(), kChunk + 5000);
  }
  ASSERT_EQ(fill->commit(), Write::kDone);
  const SsdFound found = harness_.find("key");
  ASSERT_TRUE(found.large);
  EXPECT_EQ(found.large->length, body.size());
  EXPECT_EQ(found.large->chunk_count(), 5U);
  EXPECT_EQ(harness_.chunk(*found.large, 4).size, 100U);
}

TEST_F(SsdFilling, TheWrongLengthIsNotStored) {
  auto fill = begin(1, 100'000);
  ASSERT_TRUE(append(*fill, body_of(1, 99'999)));
  EXPECT_EQ(fill->commit(), Write::kFailed);
  fill = begin(1, 100'000);
  EXPECT_FALSE(append(*fill, body_of(1, 100'001)));
  EXPECT_EQ(fill->commit(), Write::kFailed);
  fill = begin(2, std::nullopt);
  EXPECT_FALSE(append(*fill, body_of(2, harness_.ssd().max_object_bytes() + 1)));
  fill.reset();
  EXPECT_FALSE(harness_.find("key"));
}

TEST_F(SsdFilling, APublishedPartStaysAndIsCompletedChunkByChunk) {
  const std::string body = body_of(1, 3 * kChunk + 10);
  auto fill = begin(1, body.size());
  EXPECT_FALSE(fill->publish()) << "there is nothing yet";
  ASSERT_TRUE(append(*fill, std::string_view(body).substr(0, kChunk + 1)));
  EXPECT_TRUE(fill->publish());
  fill.reset();
  harness_.settle();
  const SsdFound found = harness_.find("key");
  ASSERT_TRUE(found.large);
  EXPECT_EQ(harness_.chunk(*found.large, 0).view(), body.substr(0, kChunk));
  EXPECT_EQ(harness_.chunk(*found.large, 1).data, nullptr);
  EXPECT_FALSE(harness_.ssd().may_have_chunk(*found.large, 2));
  EXPECT_FALSE(harness_.get("key")) << "not whole";
  for (const std::uint64_t chunk : {3, 1, 2}) {
    const auto bytes = test::slices_of(std::string_view(body).substr(chunk * kChunk, kChunk));
    EXPECT_TRUE(harness_.ssd().put_chunk(*found.large, chunk, bytes));
    EXPECT_TRUE(harness_.ssd().may_have_chunk(*found.large, chunk));
  }
  const auto wrong = test::slices_of("too short");
  EXPECT_FALSE(harness_.ssd().put_chunk(*found.large, 1, wrong));
  EXPECT_FALSE(harness_.ssd().put_chunk(*found.large, 4, wrong));
  const auto whole = harness_.get("key");
  ASSERT_TRUE(whole);
  EXPECT_TRUE(test::is_whole(*whole, "key"));
}

TEST_F(SsdFilling, ChunksOfTwoFillsNeverMix) {
  const std::size_t bytes = 3 * kChunk;
  const auto first = harness_.ssd().begin_chunks("key", test::meta_of("key", 1), "head", bytes);
  const auto second = harness_.ssd().begin_chunks("key", test::meta_of("key", 2), "head", bytes);
  ASSERT_TRUE(first && second);
  const auto one = test::slices_of(std::string(kChunk, '1'));
  const auto two = test::slices_of(std::string(kChunk, '2'));
  EXPECT_TRUE(harness_.ssd().put_chunk(*first, 0, one));
  EXPECT_TRUE(harness_.ssd().put_chunk(*second, 1, two));
  EXPECT_TRUE(harness_.ssd().put_chunk(*first, 2, one));
  EXPECT_TRUE(harness_.ssd().put_chunk(*second, 2, two));
  const SsdFound found = harness_.find("key");
  ASSERT_TRUE(found.large);
  EXPECT_EQ(found.large->fill_id, second->fill_id);
  EXPECT_EQ(harness_.chunk(*found.large, 0).data, nullptr);
  EXPECT_EQ(harness_.chunk(*found.large, 1).view(), std::string(kChunk, '2'));
  EXPECT_EQ(harness_.chunk(*found.large, 2).view(), std::string(kChunk, '2'));
  EXPECT_EQ(harness_.chunk(*first, 2).view(), std::string(kChunk, '1')) << "whoever sends the first goes on";
}

TEST_F(SsdFilling, WhatIsBeingSentStaysWhileTheSameKeyIsFilledAnew) {
  const std::string old_body = body_of(1, 3 * kChunk + 10), new_body = body_of(2, 4 * kChunk);
  const auto first = begin(1, old_body.size());
  ASSERT_TRUE(append(*first, old_body));
  ASSERT_EQ(first->commit(), Write::kDone);
  const SsdFound sent = harness_.find("key");
  ASSERT_TRUE(sent.large);
  const auto second = begin(2, new_body.size());
  ASSERT_TRUE(append(*second, std::string_view(new_body).substr(0, 2 * kChunk + 1)));
  const auto expect_all_of_the_first = [&] {
    for (std::size_t i = 0; i < sent.large->chunk_count(); ++i) {
      EXPECT_TRUE(harness_.ssd().may_have_chunk(*sent.large, i));
      EXPECT_EQ(harness_.chunk(*sent.large, i).view(), std::string_view(old_body).substr(i * kChunk, kChunk));
    }
  };
  expect_all_of_the_first();
  EXPECT_EQ(harness_.get("key")->meta().fill_seq, 1U) << "the second is not whole yet";
  ASSERT_TRUE(append(*second, std::string_view(new_body).substr(2 * kChunk + 1)));
  ASSERT_EQ(second->commit(), Write::kDone);
  harness_.settle();
  expect_all_of_the_first();
  EXPECT_EQ(harness_.get("key")->meta().fill_seq, 2U);
}

TEST_F(SsdFilling, AnObjectLargerThanAllMemoryGoesThrough) {
  test::Folder folder;
  SsdOptions options = test::small_options(folder.path());
  options.size_bytes = 80 * kMiB;
  options.max_object_share = 0.9;
  options.buffer_bytes = 1 << 20;
  test::SsdHarness harness(std::move(options));
  const std::size_t bytes = 40 * kMiB;
  const std::string body = body_of(1, bytes);
  const auto fill =
      harness.ssd().begin("key", test::meta_of("key", 1), test::bytes_of("key", 1, "head", 50), bytes);
  ASSERT_TRUE(fill);
  unsigned waits = 0;
  const auto go_on = [&](Write write) {
    ASSERT_NE(write, Write::kFailed);
    while (write == Write::kFull) {
      ++waits;
      bool room = false;
      fill->when_room(harness.loop(), [&] { room = true; });
      harness.run_until([&] { return room; });
      write = fill->append({});
    }
  };
  for (const Slice& slice : test::slices_of(body)) go_on(fill->append(slice));
  go_on(fill->append({}));
  Write committed = fill->commit();
  while (committed == Write::kFull) {
    harness.flush();
    committed = fill->commit();
  }
  ASSERT_EQ(committed, Write::kDone);
  const auto found = harness.get("key");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->body_size(), bytes);
  std::size_t at = 0;
  for (std::size_t i = 0; i < found->piece_count(); ++i) {
    const Slice piece = found->piece(i);
    ASSERT_EQ(piece.view(), std::string_view(body).substr(at, piece.size));
    at += piece.size;
  }
  EXPECT_EQ(at, bytes);
}

// What a restart finds is what was in effect before.
class SsdFillRestart : public ::testing::Test {
 protected:
  static constexpr std::size_t kBytes = 100'000;
  static SsdOptions options(test::FaultDisk& disk) {
    SsdOptions options = test::small_options("disk", SsdIo::kThreads);
    options.disk = &disk;
    return options;
  }
  static std::unique_ptr<SsdFill> begin(SsdTier& tier, std::uint64_t version) {
    return tier.begin("key", test::meta_of("key", version), test::bytes_of("key", version, "head", 50),
                      kBytes);
  }
  static bool append(SsdFill& fill, std::uint64_t version, std::size_t from, std::size_t to) {
    const std::string body = test::bytes_of("key", version, "body", kBytes);
    for (const Slice& slice : test::slices_of(body.substr(from, to - from))) {
      if (fill.append(slice) != Write::kDone) return false;
    }
    return true;
  }
  // 0: nothing is found.
  static std::uint64_t version_in(test::SsdHarness& harness) {
    const auto found = harness.get("key");
    EXPECT_TRUE(!found || test::is_whole(*found, "key"));
    return found ? found->meta().fill_seq : 0;
  }
  static std::uint64_t version_after_restart(const std::string& bytes) {
    test::FaultDisk disk;
    disk.set_bytes("disk/meridian.cache", bytes);
    test::SsdHarness harness(options(disk));
    return version_in(harness);
  }
  test::FaultDisk disk_;
};

TEST_F(SsdFillRestart, AFillThatIsGivenUpOrCutOffLeavesWhatTheKeyHad) {
  test::SsdHarness harness(options(disk_));
  ASSERT_TRUE(harness.ssd().put(test::object_of("key", 1, 3000)));
  auto fill = begin(harness.ssd(), 2);
  ASSERT_TRUE(append(*fill, 2, 0, 70'000));
  ASSERT_TRUE(harness.flush());
  EXPECT_EQ(version_after_restart(disk_.bytes("disk/meridian.cache")), 1U) << "cut off by a crash";
  fill.reset();
  EXPECT_EQ(version_in(harness), 1U);
  harness.close();
  EXPECT_EQ(version_after_restart(disk_.bytes("disk/meridian.cache")), 1U) << "given up";
}

TEST_F(SsdFillRestart, WhatIsCommittedLastIsTheLast) {
  test::SsdHarness harness(options(disk_));
  const auto fill = begin(harness.ssd(), 1);
  ASSERT_TRUE(append(*fill, 1, 0, 70'000));
  ASSERT_TRUE(harness.ssd().put(test::object_of("key", 2, 3000)));
  EXPECT_EQ(version_in(harness), 2U);
  ASSERT_TRUE(append(*fill, 1, 70'000, kBytes));
  ASSERT_EQ(fill->commit(), Write::kDone);
  EXPECT_EQ(version_in(harness), 1U);
  harness.close();
  EXPECT_EQ(version_after_restart(disk_.bytes("disk/meridian.cache")), 1U);
}

TEST_F(SsdFillRestart, AFillThatTheTierRefusesLeavesNothingOlder) {
  test::SsdHarness harness(options(disk_));
  ASSERT_TRUE(harness.ssd().put(test::object_of("key", 1, 3000)));
  const auto fill = begin(harness.ssd(), 2);
  ASSERT_TRUE(append(*fill, 2, 0, 70'000));
  ASSERT_TRUE(harness.flush());
  disk_.fail_write = EIO;
  for (unsigned i = 0; i < ssd::Health::kMostWriteFailures; ++i) {
    harness.ssd().put(test::object_of("other", 1, 1000));
    EXPECT_FALSE(harness.flush());
  }
  EXPECT_FALSE(append(*fill, 2, 70'000, kBytes));
  EXPECT_EQ(version_in(harness), 0U);
}

// Meant for the sanitizers: the log's thread still has the call when the loop is gone.
TEST_F(SsdFillRestart, ALoopMayGoWhileItsFillWaitsForRoom) {
  SsdOptions small = options(disk_);
  small.buffer_bytes = 1;
  auto tier = SsdTier::open(std::move(small));
  ASSERT_TRUE(tier);
  auto loop = EventLoop::create();
  ASSERT_TRUE(loop);
  disk_.hold_writes(true);
  std::unique_ptr<SsdFill> fill;
  bool is_full = false;
  for (std::uint64_t i = 0; i < 100 && !is_full; ++i) {
    fill = begin(**tier, i);
    is_full = !append(*fill, i, 0, kBytes);
  }
  ASSERT_TRUE(is_full);
  fill->when_room(**loop, [] { ADD_FAILURE() << "nobody is there any more"; });
  fill.reset();
  loop->reset();
  disk_.hold_writes(false);
  tier->reset();
}

}  // namespace
}  // namespace meridian
