#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>

#include "tests/ssd/fault_disk.h"
#include "tests/ssd/harness.h"

// Every state that a crash can leave: a long run is recorded, cut at random places, and what was not synced
// there is dropped, torn and reordered. Each state is opened and every key read.
namespace meridian {
namespace {

constexpr const char* kPath = "disk";
constexpr const char* kFile = "disk/meridian.cache";
constexpr std::size_t kStates = 250;  // of each of the runs

// What was asked of one key, in order.
struct Asked {
  std::uint64_t version = 0;
  bool put = false;
};
// All that was durable once `event` had happened.
struct Flushed {
  std::size_t event = 0;
  std::map<std::string, Asked> last;
};

class Run {
 public:
  Run(std::uint64_t seed, std::uint64_t bytes_to_write, std::string keys)
      : random_(seed), bytes_left_(bytes_to_write), keys_(std::move(keys)) {}

  SsdOptions options(test::FaultDisk& disk) const {
    SsdOptions options = test::small_options(kPath, SsdIo::kThreads);
    options.size_bytes = 10 * test::kMiB;
    options.disk = &disk;
    options.recovery_threads = 2;
    options.read_threads = 1;
    options.key_file = keys_;
    return options;
  }

  void record() {
    disk_.record = true;
    test::SsdHarness harness(options(disk_));
    flushed_.push_back({disk_.event_count(kFile), {}});
    while (bytes_left_ > 0) step(harness);
    evictions_ = harness.ssd().stats().evictions;
  }

  // Returns how many objects were found.
  std::size_t check_state(std::string state, std::size_t cut, bool nothing_evicted) {
    test::FaultDisk disk;
    disk.set_bytes(kFile, std::move(state));
    test::SsdHarness harness(options(disk));
    const Flushed* flushed = nullptr;
    for (const Flushed& each : flushed_) {
      if (each.event <= cut) flushed = &each;
    }
    std::size_t found_count = 0;
    EXPECT_EQ(harness.ssd().counters().segments_distrusted, 0U) << "a crash is no damage";
    for (const auto& [key, asked] : last_) {
      const Ref<const Object> found = harness.get(key);
      EXPECT_TRUE(!found || test::is_whole(*found, key)) << key;
      found_count += found ? 1U : 0U;
      const auto durable = flushed->last.find(key);
      if (durable == flushed->last.end()) continue;
      if (found) {
        EXPECT_GE(found->meta().fill_seq, durable->second.version + (durable->second.put ? 0 : 1))
            << key << ": something older than what was flushed";
      } else if (nothing_evicted && durable->second.put) {
        // Something later may have removed it, or replaced it by what was then torn.
        EXPECT_GT(asked.version, durable->second.version) << key << " was flushed and is gone";
      }
    }
    return found_count;
  }

  test::FaultDisk& disk() { return disk_; }
  std::uint64_t evictions() const { return evictions_; }
  std::size_t first_event() const { return flushed_.front().event; }

 private:
  void step(test::SsdHarness& harness) {
    const std::string key = "key " + std::to_string(random_() % 150);
    Asked& last = last_[key];
    const std::uint64_t version = ++version_;
    const std::uint64_t what = random_() % 20;
    if (what == 0) {
      harness.ssd().remove(key);
      last = {version, false};
    } else if (what == 1) {
      if (harness.flush()) flushed_.push_back({disk_.event_count(kFile), last_});
    } else if (what < 4) {
      harness.get(key);
    } else {
      const std::size_t bytes = what == 4 ? random_() % 200'000 : random_() % 20'000;
      const bool put = harness.ssd().put(test::object_of(key, version, bytes));
      last = {version, put};
      bytes_left_ -= std::min<std::uint64_t>(bytes_left_, bytes + 500);
    }
    if (random_() % 50 == 0) harness.settle();
  }

  std::mt19937_64 random_;
  std::uint64_t bytes_left_;
  std::string keys_;
  std::uint64_t version_ = 0;
  std::uint64_t evictions_ = 0;
  std::map<std::string, Asked> last_;
  std::vector<Flushed> flushed_;
  test::FaultDisk disk_;
};

void check_all_states(std::uint64_t seed, std::uint64_t bytes, bool nothing_evicted,
                      std::size_t state_count = kStates, const std::string& keys = "") {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Run run(seed, bytes, keys);
  run.record();
  EXPECT_EQ(run.evictions() == 0, nothing_evicted);
  const std::vector<test::FaultDisk::Event> events = run.disk().events(kFile);
  const std::size_t size = run.disk().bytes(kFile).size();
  std::mt19937_64 random(seed);
  std::vector<std::size_t> cuts;
  for (std::size_t i = 0; i < state_count; ++i) {
    cuts.push_back(run.first_event() + random() % (events.size() + 1 - run.first_event()));
  }
  std::sort(cuts.begin(), cuts.end());
  test::CrashStates states(std::string(size, '\0'), events);
  std::size_t found = 0;
  for (const std::size_t cut : cuts) {
    SCOPED_TRACE("cut before event " + std::to_string(cut));
    found += run.check_state(states.state_at(cut, random), cut, nothing_evicted);
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(found, state_count * 20) << "the states hold something";
}

std::uint64_t seed_of_run() {
  const char* seed = std::getenv("MERIDIAN_SEED");
  return seed != nullptr ? std::strtoull(seed, nullptr, 10) : 1;
}

TEST(SsdCrash, WhatWasFlushedComesBackAndNothingWrongDoes) {
  check_all_states(seed_of_run(), 4 * test::kMiB, true);
}

TEST(SsdCrash, TheSameWhileTheLogGoesRound) { check_all_states(seed_of_run() + 1, 40 * test::kMiB, false); }

TEST(SsdCrash, TheSameEncrypted) {
  const test::Folder folder;
  const std::string keys = folder.path() + "/keys";
  std::ofstream(keys) << "9 " << std::string(64, 'e') << "\n";
  check_all_states(seed_of_run() + 2, 15 * test::kMiB, false, 50, keys);
}

}  // namespace
}  // namespace meridian
