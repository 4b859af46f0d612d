#include "lib/base/page_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <random>
#include <string>
#include <thread>
#include <vector>

namespace meridian {
namespace {

std::string some_bytes(std::mt19937_64& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

// What the kernel would send for this slice.
std::string read_from_file(const Slice& slice) {
  const FilePlace place = slice.owner->file_place(slice.data);
  std::string bytes(slice.size, '\0');
  EXPECT_EQ(::pread(place.fd, bytes.data(), bytes.size(), static_cast<off_t>(place.offset)),
            static_cast<ssize_t>(slice.size));
  return bytes;
}

std::size_t memory_of(int fd) {
  struct stat info {};
  EXPECT_EQ(::fstat(fd, &info), 0);
  return static_cast<std::size_t>(info.st_blocks) * 512;
}

class PageFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!file_) GTEST_SKIP() << "memfd_create() is refused here";
  }
  std::shared_ptr<PageFile> file_ = PageFile::create();
  std::mt19937_64 random_{7};
};

TEST_F(PageFileTest, WhatWasAppendedIsReadByAddressAndFromTheFile) {
  const Ref<PageRun> run = file_->reserve(10'000);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->left(), 3 * PageFile::kPageBytes) << "whole pages";
  std::string all;
  std::vector<Slice> slices;
  for (const std::size_t size : {std::size_t{1}, std::size_t{5000}, std::size_t{4096}, std::size_t{77}}) {
    const std::string bytes = some_bytes(random_, size);
    slices.push_back(run->append(bytes));
    ASSERT_EQ(slices.back().view(), bytes);
    EXPECT_EQ(read_from_file(slices.back()), bytes);
    all += bytes;
  }
  EXPECT_EQ(std::string_view(slices.front().data, all.size()), all) << "the slices lie side by side";
  const Slice middle = slices[1].sub(1000, 500);
  EXPECT_EQ(read_from_file(middle), all.substr(1001, 500));
}

TEST_F(PageFileTest, TakesOnlyWhatThereIsRoomFor) {
  const Ref<PageRun> run = file_->reserve(1);
  const std::string bytes = some_bytes(random_, PageFile::kPageBytes + 1);
  const Slice taken = run->append(bytes);
  EXPECT_EQ(taken.view(), std::string_view(bytes).substr(0, PageFile::kPageBytes));
  EXPECT_EQ(run->left(), 0U);
  EXPECT_EQ(run->append("x").size, 0U);
}

TEST_F(PageFileTest, MemoryIsTakenByWritingAndGivenBackByTheLastSlice) {
  Ref<PageRun> run = file_->reserve(PageFile::kRunMaxBytes);
  Slice slice = run->append(some_bytes(random_, 100'000));
  const int fd = slice.owner->file_place(slice.data).fd;
  EXPECT_GE(memory_of(fd), 100'000U);
  EXPECT_LT(memory_of(fd), 1'000'000U) << "room that is not written takes no memory";
  EXPECT_GE(run->footprint_bytes(), 25 * PageFile::kPageBytes);
  EXPECT_LT(run->footprint_bytes(), 26 * PageFile::kPageBytes);
  run->close();
  run.reset();
  EXPECT_GE(memory_of(fd), 100'000U);
  const std::string kept(slice.view());
  EXPECT_EQ(read_from_file(slice), kept);
  slice = {};
  EXPECT_EQ(memory_of(fd), 0U);
}

TEST_F(PageFileTest, OffsetsAreNeverUsedTwice) {
  std::uint64_t last = 0;
  for (int i = 0; i < 2000; ++i) {
    const Ref<PageRun> run = file_->reserve(1 << 20);
    ASSERT_TRUE(run);
    const Slice slice = run->append("x");
    const std::uint64_t offset = run->file_place(slice.data).offset;
    EXPECT_TRUE(i == 0 || offset > last) << i;
    last = offset;
  }
}

// Whatever is freed in whatever order, what is left stays as it was, across many windows.
TEST_F(PageFileTest, LivingSlicesAreUntouchedByThoseThatGo) {
  struct Kept {
    Slice slice;
    std::string bytes;
  };
  std::vector<Kept> kept;
  for (int i = 0; i < 3000; ++i) {
    const Ref<PageRun> run = file_->reserve(1 << 20);
    ASSERT_TRUE(run);
    std::string bytes = some_bytes(random_, 1 + random_() % 20'000);
    kept.push_back({run->append(bytes), std::move(bytes)});
    if (kept.size() > 50) {
      std::swap(kept[random_() % kept.size()], kept.back());
      kept.pop_back();
    }
  }
  for (const Kept& each : kept) {
    EXPECT_TRUE(each.slice.view() == each.bytes);
    EXPECT_TRUE(read_from_file(each.slice) == each.bytes);
  }
}

TEST_F(PageFileTest, ThreadsReserveAndFreeAtOnce) {
  std::vector<std::thread> threads;
  for (unsigned seed = 1; seed <= 4; ++seed) {
    threads.emplace_back([this, seed] {
      std::mt19937_64 random(seed);
      std::vector<std::pair<Slice, std::string>> kept;
      for (int i = 0; i < 300; ++i) {
        std::string bytes = some_bytes(random, 1 + random() % 9000);
        const Ref<PageRun> run = file_->reserve(8 << 20);
        ASSERT_TRUE(run);
        Slice slice = run->append(bytes);
        kept.emplace_back(std::move(slice), std::move(bytes));
        if (kept.size() > 8) kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(random() % kept.size()));
      }
      for (const auto& [slice, bytes] : kept) EXPECT_TRUE(slice.view() == bytes);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(PageFileTest, AWriterCopiesABodyRunAfterRun) {
  for (const std::uint64_t expected : {std::uint64_t{0}, std::uint64_t{1'000'000}, std::uint64_t{10}}) {
    PageWriter writer(file_, expected);
    std::string all;
    std::string copied;
    while (all.size() < 1'000'000) {
      const std::string bytes = some_bytes(random_, 1 + random_() % 90'000);
      all += bytes;
      Slice rest = Slice::copy_of(bytes);
      while (rest.size > 0) {
        const Slice piece = writer.take(rest);
        EXPECT_GE(piece.owner->file_place(piece.data).fd, 0);
        copied += piece.view();
      }
    }
    EXPECT_TRUE(copied == all) << expected;
  }
}

}  // namespace
}  // namespace meridian
