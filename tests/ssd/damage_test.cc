#include <gtest/gtest.h>

#include <random>

#include "tests/ssd/fault_disk.h"
#include "tests/ssd/harness.h"

// What no crash leaves, but a broken disk or an operator does: flipped bits, segments that are cut off,
// zeroed, exchanged, or from another time. A miss and a count, never a wrong byte.
namespace meridian {
namespace {

constexpr const char* kFile = "disk/meridian.cache";
constexpr std::size_t kKeys = 120;

class SsdDamage : public ::testing::Test {
 protected:
  static SsdOptions options(test::FaultDisk& disk) {
    SsdOptions options = test::small_options("disk", SsdIo::kThreads);
    options.size_bytes = 10 * test::kMiB;
    options.disk = &disk;
    options.recovery_threads = 2;
    options.read_threads = 1;
    return options;
  }
  static std::string key_of(std::size_t i) { return "http://a.test/" + std::to_string(i); }
  static std::size_t bytes_of(std::size_t i) { return i % 10 == 0 ? 150'000 + i : 400 * i; }
  // Puts every key at this version and removes every seventh, and ends cleanly.
  static void fill(test::FaultDisk& disk, std::uint64_t version) {
    test::SsdHarness harness(options(disk));
    for (std::size_t i = 0; i < kKeys; ++i) {
      harness.ssd().put(test::object_of(key_of(i), version, bytes_of(i)));
      if (i % 20 == 0) harness.settle();
    }
    for (std::size_t i = 0; i < kKeys; i += 7) harness.ssd().remove(key_of(i));
    harness.settle();
  }
  static constexpr std::size_t kKept = kKeys - (kKeys + 6) / 7;
  // Opens it and reads everything; whatever is found must be right, and the newest.
  static std::size_t count_found(test::FaultDisk& disk, std::uint64_t version) {
    test::SsdHarness harness(options(disk));
    return count_found(harness, version);
  }
  static std::size_t count_found(test::SsdHarness& harness, std::uint64_t version) {
    std::size_t found_count = 0;
    for (std::size_t i = 0; i < kKeys; ++i) {
      const auto found = harness.get(key_of(i));
      if (!found) continue;
      EXPECT_TRUE(test::is_whole(*found, key_of(i))) << i;
      EXPECT_EQ(found->meta().fill_seq, version) << i << ": it was replaced";
      EXPECT_NE(i % 7, 0U) << i << ": it was removed";
      ++found_count;
    }
    return found_count;
  }
  // A file that holds two versions of most keys.
  static std::string two_versions() {
    test::FaultDisk disk;
    fill(disk, 1);
    fill(disk, 2);
    return disk.bytes(kFile);
  }
  static std::string with(std::string bytes, std::size_t at, std::string_view part) {
    std::copy(part.begin(), part.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
    return bytes;
  }
  static std::size_t segment_at(std::size_t i) { return ssd::Geometry::kFirstSegment + i * test::kMiB; }
};

TEST_F(SsdDamage, AThousandFlippedBits) {
  test::FaultDisk disk;
  const std::string good = two_versions();
  std::mt19937_64 random(7);
  std::size_t found = 0;
  for (int round = 0; round < 100; ++round) {
    std::string bad = good;
    for (int i = 0; i < 10; ++i) {
      std::size_t at = random() % bad.size();
      // Some of them where few bits lie that all depends on.
      if (i == 0) {
        const std::size_t segment = segment_at(random() % 9);
        const std::size_t toc = segment + test::kMiB - 2 * ssd::kPage + random() % (2 * ssd::kPage);
        const std::size_t places[] = {random() % 100, segment + random() % 64, toc};
        at = places[random() % 3];
      }
      bad[at] = static_cast<char>(bad[at] ^ 1 << random() % 8);
    }
    disk.set_bytes(kFile, std::move(bad));
    found += count_found(disk, 2);
    ASSERT_FALSE(HasFailure()) << "round " << round;
  }
  EXPECT_GT(found, 100 * kKept / 2) << "little damage loses little";
}

TEST_F(SsdDamage, ZeroedSegmentsAndPages) {
  test::FaultDisk disk;
  const std::string good = two_versions();
  disk.set_bytes(kFile, good);
  ASSERT_EQ(count_found(disk, 2), kKept);
  for (std::size_t i = 0; i < 9; ++i) {
    disk.set_bytes(kFile, with(good, segment_at(i), std::string(test::kMiB, '\0')));
    count_found(disk, 2);
    for (const std::size_t page : {0, 1, 9, 100, 200}) {
      disk.set_bytes(kFile, with(good, segment_at(i) + page * ssd::kPage, std::string(ssd::kPage, '\0')));
      EXPECT_GT(count_found(disk, 2), kKept - 10) << i << " " << page;
    }
    for (const std::size_t pages : {1, 2}) {
      const std::size_t at = segment_at(i) + test::kMiB - pages * ssd::kPage;
      disk.set_bytes(kFile, with(good, at, std::string(ssd::kPage, '\0')));
      EXPECT_EQ(count_found(disk, 2), kKept) << i << ": a segment without its end is scanned";
    }
  }
}

TEST_F(SsdDamage, ExchangedSegments) {
  test::FaultDisk disk;
  const std::string good = two_versions();
  for (std::size_t i = 0; i < 8; ++i) {
    std::string bad = with(good, segment_at(i), good.substr(segment_at(i + 1), test::kMiB));
    bad = with(std::move(bad), segment_at(i + 1), good.substr(segment_at(i), test::kMiB));
    disk.set_bytes(kFile, std::move(bad));
    count_found(disk, 2);
  }
}

TEST_F(SsdDamage, CutOffFiles) {
  test::FaultDisk disk;
  const std::string good = two_versions();
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{100}, std::size_t{5000}, segment_at(0),
        segment_at(2) + 12345, segment_at(3), segment_at(6), segment_at(8) + 1}) {
    disk.set_bytes(kFile, good.substr(0, size));
    EXPECT_LT(count_found(disk, 2), kKept) << size;
  }
}

TEST_F(SsdDamage, SegmentsOfAnotherTime) {
  test::FaultDisk disk;
  fill(disk, 1);
  const std::string before = disk.bytes(kFile);
  fill(disk, 2);
  fill(disk, 3);
  const std::string after = disk.bytes(kFile);
  for (std::size_t i = 0; i < 9; ++i) {
    disk.set_bytes(kFile, with(after, segment_at(i), before.substr(segment_at(i), test::kMiB)));
    count_found(disk, 3);
  }
  // Of the same places in the life of another file.
  test::FaultDisk other;
  fill(other, 4);
  const std::string foreign = other.bytes(kFile);
  for (std::size_t i = 0; i < 4; ++i) {
    disk.set_bytes(kFile, with(before, segment_at(i), foreign.substr(segment_at(i), test::kMiB)));
    EXPECT_LT(count_found(disk, 1), kKept);
  }
}

TEST_F(SsdDamage, WhatChangesUnderARunningTierIsAMissAndCounted) {
  test::FaultDisk disk;
  disk.set_bytes(kFile, two_versions());
  test::SsdHarness harness(options(disk));
  std::string bad = disk.bytes(kFile);
  for (std::size_t at = segment_at(0) + ssd::kPage; at < bad.size(); at += 5 * ssd::kPage) bad[at] ^= 1;
  disk.set_bytes(kFile, std::move(bad));
  EXPECT_LT(count_found(harness, 2), kKept);
  EXPECT_GT(harness.ssd().counters().bad_records, 0U);
}

}  // namespace
}  // namespace meridian
