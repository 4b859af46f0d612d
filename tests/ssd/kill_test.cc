#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <future>
#include <new>
#include <random>

#include "tests/processes/child.h"
#include "tests/ssd/harness.h"

// A process that fills the tier is killed with SIGKILL at a random moment, again and again; what it said was
// durable comes back, what it removed does not, and every byte is right. 20 times; 200 when MERIDIAN_SOAK is
// set.
namespace meridian {
namespace {

constexpr std::size_t kKeys = 200;
constexpr std::uint64_t kFileBytes = 96 * test::kMiB;
// Nothing is evicted while one file has taken less than this: what is not there then was lost.
constexpr std::uint64_t kMostPut = 48 * test::kMiB;

// What the child tells, in memory that outlives it. One word for each key: the version, and whether it was
// put (1) or removed (0), so that no kill leaves half of one.
struct Told {
  std::atomic<std::uint64_t> version{0};
  std::atomic<std::uint64_t> put_bytes{0};
  std::atomic<std::uint64_t> asked[kKeys]{};
  std::atomic<std::uint64_t> durable[kKeys]{};
  std::atomic<std::uint64_t> flushes{0};
};

std::string key_of(std::size_t i) { return "http://a.test/" + std::to_string(i); }

SsdOptions options_for(const std::string& path) {
  SsdOptions options = test::small_options(path);
  options.size_bytes = kFileBytes;
  return options;
}

[[noreturn]] void fill(const std::string& path, std::uint64_t seed, Told& told, int ready) {
  auto tier = SsdTier::open(options_for(path));
  const char byte = tier ? 1 : 0;
  if (!tier || ::write(ready, &byte, 1) != 1) std::_Exit(1);
  std::mt19937_64 random(seed);
  for (;;) {
    const std::size_t i = random() % kKeys;
    const std::uint64_t version = ++told.version;
    if (random() % 30 == 0) {
      // A flush says true for what was asked before it.
      std::uint64_t before[kKeys];
      for (std::size_t k = 0; k < kKeys; ++k) before[k] = told.asked[k];
      std::promise<bool> answer;
      (*tier)->flush([&](bool durable) { answer.set_value(durable); });
      if (!answer.get_future().get()) continue;
      for (std::size_t k = 0; k < kKeys; ++k) told.durable[k] = before[k];
      ++told.flushes;
    } else if (random() % 10 == 0) {
      told.asked[i] = version << 1U;
      (*tier)->remove(key_of(i));
    } else if (told.put_bytes < kMostPut) {
      const std::size_t bytes = random() % (random() % 10 == 0 ? 150'000 : 8000);
      told.asked[i] = version << 1U | 1U;
      told.put_bytes += bytes + 500;
      if (!(*tier)->put(test::object_of(key_of(i), version, bytes))) told.asked[i] = version << 1U;
    }
  }
}

class SsdKill : public ::testing::Test {
 protected:
  SsdKill() {
    void* memory = ::mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    told_ = new (memory) Told;
  }
  ~SsdKill() override { ::munmap(told_, sizeof(Told)); }

  // Fills in a process of its own and kills it.
  void fill_and_kill(const std::string& path, std::mt19937_64& random) {
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const std::uint64_t seed = random();
    const pid_t child = test::fork_child();
    if (child == 0) fill(path, seed, *told_, ready[1]);
    ::close(ready[1]);
    char byte = 0;
    const bool began = ::read(ready[0], &byte, 1) == 1;
    ::close(ready[0]);
    // Until some random number of operations later.
    const std::uint64_t until = told_->version + random() % 2000;
    bool runs = began;
    while (runs && told_->version < until) {
      std::this_thread::yield();
      runs = ::waitpid(child, nullptr, WNOHANG) == 0;
    }
    ASSERT_TRUE(runs) << "it ended by itself";
    test::kill_child(child);
  }

  void check(const std::string& path) {
    test::SsdHarness harness(options_for(path));
    for (std::size_t i = 0; i < kKeys; ++i) {
      const std::uint64_t asked = told_->asked[i];
      const std::uint64_t durable = told_->durable[i];
      const auto found = harness.get(key_of(i));
      if (found) {
        EXPECT_TRUE(test::is_whole(*found, key_of(i)));
        EXPECT_GE(found->meta().fill_seq << 1U | 1U, durable) << "older than what was flushed";
        EXPECT_FALSE((durable & 1U) == 0 && found->meta().fill_seq == durable >> 1U);
      }
      wanted_ += asked & 1U;
      found_ += found && found->meta().fill_seq == asked >> 1U ? 1U : 0U;
      const bool must_be_there = asked == durable && (durable & 1U) == 1;
      EXPECT_TRUE(found || !must_be_there) << key_of(i) << " was flushed and is gone";
      // From here on it is what the file has.
      told_->asked[i] = told_->durable[i] = found ? found->meta().fill_seq << 1U | 1U : asked & ~1ULL;
    }
    EXPECT_EQ(harness.ssd().counters().segments_distrusted, 0U);
    EXPECT_EQ(harness.ssd().counters().bad_records, 0U);
    EXPECT_TRUE(harness.flush());
  }

  Told* told_ = nullptr;
  std::uint64_t wanted_ = 0;
  std::uint64_t found_ = 0;
};

TEST_F(SsdKill, AtRandomMoments) {
  const int kills = std::getenv("MERIDIAN_SOAK") != nullptr ? 200 : 20;
  const char* given = std::getenv("MERIDIAN_SEED");
  std::mt19937_64 random(given != nullptr ? std::strtoull(given, nullptr, 10) : 1);
  auto folder = std::make_unique<test::Folder>(test::Folder::Removal::kAlsoWhenKilled);
  for (int i = 0; i < kills && !HasFailure(); ++i) {
    SCOPED_TRACE("kill " + std::to_string(i));
    fill_and_kill(folder->path(), random);
    check(folder->path());
    if (told_->put_bytes < kMostPut * 3 / 4) continue;
    folder = std::make_unique<test::Folder>(test::Folder::Removal::kAlsoWhenKilled);
    for (std::size_t k = 0; k < kKeys; ++k) told_->asked[k] = told_->durable[k] = 0;
    told_->put_bytes = 0;
  }
  EXPECT_GT(told_->flushes, 0U);
  EXPECT_GT(found_, wanted_ / 2) << "even of what was not flushed";
  std::printf("%d kills: %llu of %llu objects of the last version were there again\n", kills,
              static_cast<unsigned long long>(found_), static_cast<unsigned long long>(wanted_));
}

}  // namespace
}  // namespace meridian
