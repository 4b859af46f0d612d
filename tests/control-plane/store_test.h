#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control-plane/log/store.h"
#include "lib/net/event_loop.h"

namespace meridian::control {

// A loop and what it is waited for on.
class LoopTest : public testing::Test {
 protected:
  static constexpr std::int64_t kPatienceMs = 30'000;

  LoopTest() : loop_(std::move(*EventLoop::create())) {}

  // Calls `ask` with a callback and runs the loop until that was called; what it was called with.
  template <class T>
  T wait(const std::function<void(std::function<void(T)>)>& ask) {
    std::optional<T> answer;
    ask([&](T given) {
      answer.emplace(std::move(given));
      loop_->stop();
    });
    run_until([&] { return answer.has_value(); });
    return std::move(*answer);
  }
  // Runs the loop until it is so; what changes it is to stop the loop.
  void run_until(const std::function<bool()>& is_so) {
    bool is_late = false;
    Timer patience(*loop_, [&] {
      is_late = true;
      loop_->stop();
    });
    patience.arm(kPatienceMs);
    while (!is_so() && !is_late) loop_->run();
    ASSERT_FALSE(is_late) << "nothing came";
  }

  std::unique_ptr<EventLoop> loop_;
};

// The functions of a Store as calls that return.
class StoreTest : public LoopTest {
 protected:
  Appended append(Store& store, const Head& after, std::vector<Entry> entries) {
    return wait<Appended>([&](auto done) { store.append(after, entries, done); });
  }
  Result<std::vector<Entry>> read(Store& store, std::uint64_t after, std::size_t most = Store::kMostRead,
                                  Freshness freshness = Freshness::kLatest) {
    return wait<Result<std::vector<Entry>>>([&](auto done) { store.read(after, most, freshness, done); });
  }
  // Read by read, as each gives as much as it likes.
  std::vector<Entry> read_all(Store& store) {
    std::vector<Entry> all;
    while (true) {
      const auto some = read(store, all.size(), 1'000'000);
      EXPECT_TRUE(some) << some.error().context;
      if (!some || some->empty()) return all;
      EXPECT_LE(some->size(), Store::kMostRead);
      all.insert(all.end(), some->begin(), some->end());
    }
  }
  Result<Head> head(Store& store, Freshness freshness = Freshness::kLatest) {
    return wait<Result<Head>>([&](auto done) { store.head(freshness, done); });
  }
  Result<void> compact(Store& store, Base base) {
    return wait<Result<void>>([&](auto done) { store.compact(base, done); });
  }
  Result<std::optional<Base>> load_base(Store& store) {
    return wait<Result<std::optional<Base>>>([&](auto done) { store.load_base(Freshness::kLatest, done); });
  }
  Result<Head> restore(Store& store, std::optional<Base> base, std::uint64_t epoch) {
    return wait<Result<Head>>([&](auto done) { store.restore(base, epoch, done); });
  }
  Result<Lease> acquire(Store& store, const std::string& node) {
    return wait<Result<Lease>>([&](auto done) { store.acquire(node, done); });
  }
  Result<void> keep(Store& store, const Lease& lease) {
    return wait<Result<void>>([&](auto done) { store.keep(lease, done); });
  }
  Result<void> release(Store& store, const Lease& lease) {
    return wait<Result<void>>([&](auto done) { store.release(lease, done); });
  }

  // `count` entries behind `after`.
  static std::vector<Entry> entries_after(const Head& after, std::size_t count, std::string payload = "{}") {
    std::vector<Entry> entries;
    for (std::uint64_t seq = after.seq + 1; seq <= after.seq + count; ++seq) {
      entries.push_back({.seq = seq,
                         .prev = seq - 1,
                         .epoch = after.epoch,
                         .time_ms = 1'700'000'000'000,
                         .node = "node-1",
                         .author = "somebody \"quoted\"",
                         .from = "127.0.0.1",
                         .key = "key-" + std::to_string(seq),
                         .kind = "purge",
                         .payload = payload});
    }
    return entries;
  }
  // Appends as many, one by one.
  Head fill(Store& store, std::size_t count) {
    Head at = *head(store);
    for (std::size_t i = 0; i < count; ++i) {
      const Appended appended = append(store, at, entries_after(at, 1));
      EXPECT_EQ(appended.end, AppendEnd::kAppended) << appended.why;
      at = appended.head;
    }
    return at;
  }
};

}  // namespace meridian::control
