#include "bench/replay/classics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "bench/replay/tier_cache.h"
#include "edge/tiers/adaptive_fifo.h"
#include "tests/replay/traces.h"

namespace meridian::replay {
namespace {

using test::random_trace;

// The policies as one would explain them on paper, slow and plain. Newest at the back.
class Model {
 public:
  enum class Kind { kFifo, kLru, kSieve };
  Model(Kind kind, const Trace& trace, std::uint64_t capacity)
      : kind_(kind), trace_(trace), capacity_(capacity) {}

  bool request(ObjectId id) {
    const auto at = std::find_if(held_.begin(), held_.end(), [&](const Item& item) { return item.id == id; });
    if (at != held_.end()) {
      at->visited = true;
      if (kind_ == Kind::kLru) std::rotate(at, at + 1, held_.end());
      return true;
    }
    while (used() + trace_.object_bytes[id] > capacity_) evict();
    held_.push_back({id, false});
    return false;
  }

 private:
  struct Item {
    ObjectId id;
    bool visited;
  };
  std::uint64_t used() const {
    std::uint64_t sum = 0;
    for (const Item& item : held_) sum += trace_.object_bytes[item.id];
    return sum;
  }
  void evict() {
    if (kind_ != Kind::kSieve) return held_.erase(held_.begin()), void();
    if (hand_ >= held_.size()) hand_ = 0;
    while (held_[hand_].visited) {
      held_[hand_].visited = false;
      hand_ = (hand_ + 1) % held_.size();
    }
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(hand_));
    // At the newest the hand starts over; what comes in meanwhile must not be under it.
    if (hand_ == held_.size()) hand_ = ~std::size_t{0};
  }

  const Kind kind_;
  const Trace& trace_;
  const std::uint64_t capacity_;
  std::deque<Item> held_;
  std::size_t hand_ = 0;
};

using Make = std::unique_ptr<Cache> (*)(const Cache::Sizes&, std::uint64_t);

void same_as_model(Model::Kind kind, Make make) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const std::uint64_t most_bytes = seed % 2 == 0 ? 1 : 20;
    const Trace trace = random_trace(seed, 60, 4000, most_bytes);
    const std::uint64_t capacity = most_bytes * (2 + seed % 17);
    Model model(kind, trace, capacity);
    const auto cache = make(trace.object_bytes, capacity);
    for (std::size_t i = 0; i < trace.requests.size(); ++i) {
      const ObjectId id = trace.requests[i].id;
      ASSERT_EQ(cache->request(id), model.request(id)) << "seed " << seed << ", request " << i;
    }
  }
}

TEST(Classics, FifoIsTheModels) { same_as_model(Model::Kind::kFifo, make_fifo); }
TEST(Classics, LruIsTheModels) { same_as_model(Model::Kind::kLru, make_lru); }
TEST(Classics, SieveIsTheModels) { same_as_model(Model::Kind::kSieve, make_sieve); }

std::unique_ptr<Cache> make_ours(const Cache::Sizes& sizes, std::uint64_t capacity) {
  return std::make_unique<TierCache>(std::make_unique<AdaptiveFifo>(AdaptiveFifo::Options{}), sizes,
                                     capacity);
}

struct Named {
  const char* name;
  Make make;
};
class EveryPolicy : public testing::TestWithParam<Named> {};

TEST_P(EveryPolicy, KeepsToItsCapacityAndToWhatWasAskedFor) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Trace trace = random_trace(seed, 300, 20'000, 50);
    const std::uint64_t capacity = 50 + 40 * seed;
    const auto cache = GetParam().make(trace.object_bytes, capacity);
    std::vector<bool> seen(trace.object_bytes.size());
    for (const Request& request : trace.requests) {
      const bool hit = cache->request(request.id);
      ASSERT_TRUE(!hit || seen[request.id]) << "a hit for what nobody asked for before";
      ASSERT_LE(cache->used_bytes(), capacity);
      seen[request.id] = true;
    }
  }
}

TEST_P(EveryPolicy, KeepsEverythingWhenThereIsRoom) {
  const Trace trace = random_trace(3, 100, 5000, 10);
  const auto cache = GetParam().make(trace.object_bytes, 200'000);
  std::vector<bool> seen(trace.object_bytes.size());
  for (const Request& request : trace.requests) {
    ASSERT_EQ(cache->request(request.id), seen[request.id]);
    seen[request.id] = true;
  }
}

INSTANTIATE_TEST_SUITE_P(Replay, EveryPolicy,
                         testing::Values(Named{"fifo", make_fifo}, Named{"lru", make_lru},
                                         Named{"sieve", make_sieve}, Named{"arc", make_arc},
                                         Named{"w_tiny_lfu", make_w_tiny_lfu}, Named{"s3_fifo", make_s3_fifo},
                                         Named{"ours", make_ours}),
                         [](const auto& info) { return std::string(info.param.name); });

// Twenty popular objects asked for all the time, and a scan of others between them.
double popular_hits_under_a_scan(Make make) {
  const Cache::Sizes sizes(20'000, 1);
  const auto cache = make(sizes, 100);
  double hits = 0, requests = 0;
  for (ObjectId scanned = 100; scanned < 20'000; ++scanned) {
    const bool hit = cache->request(scanned % 20);
    if (scanned >= 2000) hits += hit ? 1 : 0, requests += 1;
    for (int i = 0; i < 6; ++i)
      cache->request(scanned - 1 < 20'000 - 6 ? scanned + static_cast<ObjectId>(i) : scanned);
  }
  return hits / requests;
}

TEST(Classics, AScanDoesNotPushOutWhatIsPopular) {
  EXPECT_LT(popular_hits_under_a_scan(make_fifo), 0.9);
  EXPECT_GT(popular_hits_under_a_scan(make_arc), 0.99);
  EXPECT_GT(popular_hits_under_a_scan(make_w_tiny_lfu), 0.99);
  EXPECT_GT(popular_hits_under_a_scan(make_s3_fifo), 0.99);
  EXPECT_GT(popular_hits_under_a_scan(make_ours), 0.99);
}

TEST(Classics, ArcRemembersWhatItHeldOnce) {
  const Cache::Sizes sizes(10, 1);
  const auto cache = make_arc(sizes, 2);
  for (const ObjectId id : {0U, 0U, 1U, 2U, 3U}) cache->request(id);
  EXPECT_TRUE(cache->request(0)) << "asked for twice: it is in the other list than those that pass by";
}

TEST(Classics, S3FifoAsksForTwoHitsAsThePaperDoes) {
  const Cache::Sizes sizes(100, 1);
  const auto cache = make_s3_fifo(sizes, 10);
  for (const ObjectId id : {0U, 0U, 1U, 1U, 1U}) cache->request(id);
  for (ObjectId id = 10; id < 20; ++id) cache->request(id);
  EXPECT_TRUE(cache->request(1));
  EXPECT_FALSE(cache->request(0)) << "one hit in the small queue is not enough";
}

}  // namespace
}  // namespace meridian::replay
