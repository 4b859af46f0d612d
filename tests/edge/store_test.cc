#include "edge/store.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "lib/net/connect.h"
#include "tests/contract/tier_objects.h"
#include "tests/ssd/folder.h"

// RAM and SSD as one worker's store uses them together: who has what after a validation, a removal, an
// eviction.
namespace meridian::edge {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::size_t kChunk = 32 << 10;

bool always() { return true; }

class StoreTest : public testing::Test {
 protected:
  // One run of the edge: RAM begins empty.
  struct Run {
    explicit Run(const std::string& path) {
      loop = std::move(*EventLoop::create());
      resolver = Resolver::create(*loop, {});
      SsdOptions options;
      options.path = path;
      options.size_bytes = 16 * kMiB;
      options.segment_bytes = kMiB;
      options.chunk_bytes = kChunk;
      options.read_buffer_bytes = 8 * (kChunk + 2 * ssd::kPage);
      auto opened = SsdTier::open(std::move(options));
      EXPECT_TRUE(opened);
      cold.expect_ssd();
      EXPECT_TRUE(cold.set_ssd(std::move(*opened)));
      store = std::make_unique<Store>(ram, nullptr, cold, *loop, *resolver);
      store->use_ssd();
    }
    SsdTier& ssd() { return *cold.ssd(); }
    void flush() {
      std::atomic<bool> flushed{false};
      ssd().flush([&](bool) { flushed = true; });
      run_until([&] { return flushed.load(); });
    }
    template <class Done>
    void run_until(const Done& done) {
      const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
      while (!done()) {
        ASSERT_LT(std::chrono::steady_clock::now(), end) << "nobody answered";
        loop->run_once();
      }
    }
    Ref<const Object> recall(std::string_view key) {
      bool called = false;
      Ref<const Object> found;
      store->recall(hash_of_key(key), key, [&](Ref<const Object> object) {
        called = true;
        found = std::move(object);
      });
      run_until([&] { return called; });
      return found;
    }
    std::unique_ptr<EventLoop> loop;
    std::unique_ptr<Resolver> resolver;
    RamTier ram{{.capacity_bytes = 4 * kMiB,
                 .on_evict = [this](const RamTier::Evicted& evicted) { cold.take_evicted(ram, evicted); }}};
    ColdTiers cold;
    std::unique_ptr<Store> store;
  };
  void start() { run_ = std::make_unique<Run>(folder_.path()); }
  void restart() {
    run_->flush();
    run_.reset();
    start();
  }
  void SetUp() override { start(); }
  static ObjectMeta fresh_meta(std::uint32_t lifetime_s) {
    ObjectMeta meta = test::meta_of("key", 1);
    meta.flags = 0;
    meta.lifetime_s = lifetime_s;
    return meta;
  }
  static Ref<const Object> small_object(std::string_view key = "key", std::size_t bytes = 10'000) {
    return Object::from_fill(key, fresh_meta(1), "old head",
                             test::slices_of(test::bytes_of(key, 1, "body", bytes)));
  }
  // As OriginFetch does it after a 304. The head that is found behind RAM afterwards.
  Ref<const Object> validate(const Object& stale, std::uint32_t lifetime_s) {
    const Ref<const Object> fresh = run_->store->freshened(stale, fresh_meta(lifetime_s), "new head");
    run_->store->replace(stale, fresh, always);
    return fresh;
  }
  std::string head_on_ssd() {
    const Ref<const Object> found = run_->recall("key");
    return found ? std::string(found->head()) : "none";
  }
  test::Folder folder_;
  std::unique_ptr<Run> run_;
};

TEST_F(StoreTest, AFreshenedHeadIsFoundBehindRamAndAfterARestart) {
  run_->ssd().put(small_object());
  run_->flush();
  const Ref<const Object> stale = run_->recall("key");
  ASSERT_TRUE(stale);
  validate(*stale, 3600);
  EXPECT_EQ(run_->store->find(hash_of_key("key"), "key")->head(), "new head");
  EXPECT_EQ(head_on_ssd(), "new head");
  restart();
  EXPECT_EQ(head_on_ssd(), "new head");
  EXPECT_EQ(run_->recall("key")->body_size(), 10'000U);
}

TEST_F(StoreTest, AHeadThatIsFreshForSecondsIsWrittenWhenRamLetsGoOfIt) {
  run_->ssd().put(small_object());
  run_->flush();
  const auto put_bytes = run_->ssd().counters().put_bytes.load();
  validate(*run_->recall("key"), 5);
  EXPECT_EQ(run_->ssd().counters().put_bytes.load(), put_bytes) << "not a body for five seconds";
  EXPECT_EQ(head_on_ssd(), "old head");
  run_->ram.set_capacity(4096);
  ASSERT_FALSE(run_->store->find(hash_of_key("key"), "key"));
  EXPECT_EQ(head_on_ssd(), "new head");
}

TEST_F(StoreTest, AFreshenedHeadOfALargeBodyRefersToItsChunks) {
  const std::string body = test::bytes_of("key", 1, "body", 3 * kChunk + 10);
  auto fill = run_->store->begin_fill("key", fresh_meta(1), "old head", body.size());
  ASSERT_TRUE(fill);
  for (const Slice& slice : test::slices_of(body)) ASSERT_EQ(fill->append(slice), SsdFill::Write::kDone);
  ASSERT_EQ(fill->commit(always), SsdFill::Write::kDone);
  run_->flush();
  const auto written = run_->ssd().counters().put_bytes.load();
  const Ref<const Object> stale = run_->recall("key");
  ASSERT_TRUE(stale && stale->far_body() != nullptr);
  validate(*stale, 5);
  EXPECT_LT(run_->ssd().counters().put_bytes.load() - written, 100U) << "a head, and no body";
  restart();
  const Ref<const Object> found = run_->recall("key");
  ASSERT_TRUE(found && found->far_body() != nullptr);
  EXPECT_EQ(found->head(), "new head");
  EXPECT_EQ(found->meta().lifetime_s, 5U);
  EXPECT_TRUE(run_->store->has_body(*found));
  std::string whole;
  for (std::uint64_t i = 0; i < Store::large_of(*found).chunk_count(); ++i) {
    bool called = false;
    const SsdRead read = run_->store->read_body(Store::large_of(*found), i, [&](const Slice& bytes) {
      called = true;
      whole.append(bytes.view());
    });
    run_->run_until([&] { return called; });
  }
  EXPECT_EQ(whole, body);
}

TEST_F(StoreTest, WhatIsInvalidatedMeanwhileIsNotFreshened) {
  run_->ssd().put(small_object());
  run_->flush();
  const Ref<const Object> stale = run_->recall("key");
  run_->store->remove("key");
  const Ref<const Object> fresh = run_->store->freshened(*stale, fresh_meta(3600), "new head");
  run_->store->replace(*stale, fresh, [] { return false; });
  EXPECT_FALSE(run_->store->find(hash_of_key("key"), "key"));
  EXPECT_EQ(head_on_ssd(), "none");
}

TEST_F(StoreTest, WhatIsFreshenedDoesNotHoldTheMemoryOfReads) {
  for (int i = 0; i < 40; ++i) run_->ssd().put(small_object("key " + std::to_string(i)));
  run_->flush();
  for (int i = 0; i < 40; ++i) {
    const Ref<const Object> stale = run_->recall("key " + std::to_string(i));
    ASSERT_TRUE(stale) << i;
    validate(*stale, 5);
  }
  EXPECT_EQ(run_->ssd().counters().shed_reads, 0U);
  EXPECT_EQ(run_->ram.stats().objects, 40U);
}

TEST_F(StoreTest, WhatIsRemovedIsGoneFromAllTiersAlsoAfterAValidation) {
  run_->ssd().put(small_object());
  run_->flush();
  const Ref<const Object> fresh = validate(*run_->recall("key"), 5);
  EXPECT_FALSE(fresh->has_cold_copy());
  // What RAM has is a copy of this.
  run_->store->remove_if(*run_->store->find(hash_of_key("key"), "key"));
  EXPECT_FALSE(run_->store->find(hash_of_key("key"), "key"));
  EXPECT_EQ(head_on_ssd(), "none");
}

TEST_F(StoreTest, ARemovalSparesWhatIsNewer) {
  run_->ssd().put(small_object());
  run_->flush();
  const Ref<const Object> stale = run_->recall("key");
  ASSERT_TRUE(stale->has_cold_copy());
  EXPECT_TRUE(run_->store->put_if(small_object(), always));
  run_->store->remove_if(*stale);
  EXPECT_TRUE(run_->store->find(hash_of_key("key"), "key"));
}

TEST_F(StoreTest, AnEvictionThatIsOvertakenLeavesNothingOldBehind) {
  const Ref<const Object> old_one = small_object();
  // RAM has let go of it, and before SSD hears of it a newer one is stored.
  EXPECT_TRUE(run_->store->put_if(small_object(), always));
  run_->cold.take_evicted(run_->ram, {old_one, true});
  EXPECT_EQ(head_on_ssd(), "none");
}

TEST_F(StoreTest, ALargeBodyThatComesAgainIsPromotedUnderTheHeadThatWasConfirmed) {
  const std::string body = test::bytes_of("key", 1, "body", 2 * kChunk);
  auto fill = run_->store->begin_fill("key", fresh_meta(1), "old head", body.size());
  for (const Slice& slice : test::slices_of(body)) ASSERT_EQ(fill->append(slice), SsdFill::Write::kDone);
  ASSERT_EQ(fill->commit(always), SsdFill::Write::kDone);
  const Ref<const Object> stale = run_->recall("key");
  validate(*stale, 3600);
  const Ref<const Object> far = run_->store->find(hash_of_key("key"), "key");
  ASSERT_TRUE(far && far->far_body() != nullptr);
  // A newer fill of the same key is on its way: its body is not to come under this head.
  auto newer = run_->store->begin_fill("key", fresh_meta(1), "newer head", body.size());
  for (const Slice& slice : test::slices_of(test::bytes_of("key", 2, "body", 2 * kChunk))) {
    ASSERT_EQ(newer->append(slice), SsdFill::Write::kDone);
  }
  ASSERT_EQ(newer->commit(always), SsdFill::Write::kDone);
  run_->flush();
  run_->store->note_far_hit(far);
  run_->store->note_far_hit(far);
  const auto in_ram = [&] { return run_->store->find(hash_of_key("key"), "key"); };
  run_->run_until([&] { return in_ram()->far_body() == nullptr; });
  EXPECT_EQ(in_ram()->head(), "new head");
  std::string whole;
  for (std::size_t i = 0; i < in_ram()->piece_count(); ++i) whole.append(in_ram()->piece(i).view());
  EXPECT_EQ(whole, body);
}

}  // namespace
}  // namespace meridian::edge
