#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "edge/tiers/ssd/ssd_fill.h"
#include "edge/tiers/ssd/ssd_reader.h"
#include "edge/tiers/ssd/ssd_tier.h"
#include "lib/net/event_loop.h"
#include "tests/contract/tier_objects.h"
#include "tests/ssd/folder.h"

namespace meridian::test {

inline constexpr std::uint64_t kMiB = 1 << 20;

inline SsdOptions small_options(const std::string& path, SsdIo io = SsdIo::kAuto) {
  SsdOptions options;
  options.path = path;
  options.size_bytes = 16 * kMiB;
  options.segment_bytes = kMiB;
  options.chunk_bytes = 32 << 10;
  options.buffer_bytes = 4 * kMiB;
  options.io = io;
  return options;
}

// A tier, a loop and a reader on it, all on this thread.
class SsdHarness {
 public:
  explicit SsdHarness(SsdOptions options) {
    auto loop = EventLoop::create();
    if (!loop) std::abort();
    loop_ = std::move(*loop);
    auto tier = SsdTier::open(std::move(options));
    EXPECT_TRUE(tier) << (tier ? "" : tier.error().context);
    if (!tier) return;
    ssd_ = std::move(*tier);
    reader_ = std::make_unique<SsdReader>(*ssd_, *loop_);
  }
  SsdTier& ssd() { return *ssd_; }
  SsdReader& reader() { return *reader_; }
  EventLoop& loop() { return *loop_; }
  bool is_open() const { return ssd_ != nullptr; }

  // Runs the loop until `done` says so.
  template <class Done>
  void run_until(const Done& done) {
    // The bound is only there to end a broken test.
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) {
        std::fprintf(stderr, "nobody answered\n");
        std::abort();
      }
      loop_->run_once();
    }
  }
  bool flush() {
    std::atomic<int> answer{-1};
    ssd_->flush([&](bool durable) { answer = durable ? 1 : 0; });
    run_until([&] { return answer >= 0; });
    return answer == 1;
  }
  void settle() {
    run_until([&] { return reader_->under_way() == 0; });
    flush();
    run_until([&] { return ssd_->at_rest(); });
  }
  SsdFound find(std::string_view key) {
    bool called = false;
    SsdFound found;
    const SsdRead read = reader_->find(hash_of_key(key), key, [&](SsdFound answer) {
      called = true;
      found = std::move(answer);
    });
    run_until([&] { return called; });
    return found;
  }
  Ref<const Object> get(std::string_view key) {
    bool called = false;
    Ref<const Object> found;
    reader_->get(key, [&](Ref<const Object> object) {
      called = true;
      found = std::move(object);
    });
    run_until([&] { return called; });
    return found;
  }
  Slice chunk(const SsdLarge& large, std::uint64_t index) {
    bool called = false;
    Slice bytes;
    const SsdRead read = reader_->read_chunk(large, index, [&](Slice slice) {
      called = true;
      bytes = std::move(slice);
    });
    run_until([&] { return called; });
    return bytes;
  }
  void close() {
    reader_.reset();
    ssd_.reset();
  }

 private:
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<SsdTier> ssd_;
  std::unique_ptr<SsdReader> reader_;
};

}  // namespace meridian::test
