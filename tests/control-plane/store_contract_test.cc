#include "control-plane/store/sqlite_store.h"
#include "lib/base/aead.h"
#include "tests/control-plane/etcd_servers.h"
#include "tests/control-plane/folder.h"
#include "tests/control-plane/memory_store.h"
#include "tests/control-plane/store_test.h"

// What every home of the log keeps, whatever it is; each test runs against all of them.
namespace meridian::control {
namespace {

// Where one log lives, for the length of one test.
class StoreHome {
 public:
  virtual ~StoreHome() = default;
  // Another way in, as another process has it.
  virtual std::unique_ptr<Store> open(EventLoop& loop) = 0;
  // Whether several may be open at once.
  virtual bool is_shared() const = 0;
};
using MakeStoreHome = std::unique_ptr<StoreHome> (*)();

class SqliteHome final : public StoreHome {
 public:
  std::unique_ptr<Store> open(EventLoop& loop) override {
    auto file = SqliteFile::open(path_);
    EXPECT_TRUE(file) << file.error().context;
    return std::make_unique<SqliteStore>(loop, *std::move(file), path_);
  }
  bool is_shared() const override { return false; }

 private:
  Folder folder_;
  const std::string path_ = folder_ / "log.db";
};

// One real server for all tests; each has a prefix of its own.
EtcdServers& shared_server() {
  static EtcdServers server(1);
  return server;
}

class EtcdHome final : public StoreHome {
 public:
  std::unique_ptr<Store> open(EventLoop& loop) override {
    if (resolver_ == nullptr) resolver_ = Resolver::create(loop, {});
    EtcdOptions options = shared_server().options(prefix_);
    // The server may just have been started.
    options.budget_ms = 20'000;
    return std::make_unique<EtcdStore>(loop, *resolver_, options);
  }
  bool is_shared() const override { return true; }

 private:
  const std::string prefix_ = "/test-" + std::to_string(random_u64()) + "/";
  std::unique_ptr<Resolver> resolver_;
};

// The store that other tests trust keeps to the contract as well.
class MemoryHome final : public StoreHome {
 public:
  std::unique_ptr<Store> open(EventLoop& loop) override {
    return std::make_unique<MemoryStore>(loop, cluster_);
  }
  bool is_shared() const override { return true; }

 private:
  MemoryCluster cluster_;
};

template <class Home>
std::unique_ptr<StoreHome> make() {
  return std::make_unique<Home>();
}

class StoreContract : public StoreTest, public testing::WithParamInterface<MakeStoreHome> {
 protected:
  StoreContract() : home_(GetParam()()), store_(home_->open(*loop_)) {}
  void reopen() {
    store_.reset();
    store_ = home_->open(*loop_);
  }

  std::unique_ptr<StoreHome> home_;
  std::unique_ptr<Store> store_;
};

TEST_P(StoreContract, BeginsEmpty) {
  EXPECT_EQ(*head(*store_), Head());
  EXPECT_TRUE(read(*store_, 0)->empty());
  EXPECT_TRUE(read(*store_, UINT64_MAX)->empty());
  EXPECT_EQ(*load_base(*store_), std::nullopt);
  EXPECT_FALSE(store_->description().empty());
}

TEST_P(StoreContract, KeepsWhatIsAppended) {
  const std::vector<Entry> first = entries_after({}, 3);
  const Appended appended = append(*store_, {}, first);
  ASSERT_EQ(appended.end, AppendEnd::kAppended) << appended.why;
  EXPECT_EQ(appended.head, (Head{3, 0, 1}));
  const std::vector<Entry> more = entries_after(appended.head, 1);
  EXPECT_EQ(append(*store_, appended.head, more).head, (Head{4, 0, 1}));
  reopen();
  EXPECT_EQ(*head(*store_), (Head{4, 0, 1}));
  std::vector<Entry> all = first;
  all.push_back(more[0]);
  EXPECT_EQ(*read(*store_, 0), all);
  EXPECT_EQ(*read(*store_, 0, Store::kMostRead, Freshness::kLocal), all);
  EXPECT_EQ(*read(*store_, 3), more);
  EXPECT_EQ(*read(*store_, 1, 2), (std::vector<Entry>{all[1], all[2]}));
}

TEST_P(StoreContract, OfTwoBehindTheSameEntryOneWins) {
  const Head at = fill(*store_, 2);
  std::vector<Entry> late = entries_after({1, 0, 1}, 1);
  late[0].key = "another";
  const Appended stale = append(*store_, {1, 0, 1}, late);
  EXPECT_EQ(stale.end, AppendEnd::kConflict);
  EXPECT_EQ(stale.head, at);
  const Appended ahead = append(*store_, {7, 0, 1}, entries_after({7, 0, 1}, 1));
  EXPECT_EQ(ahead.end, AppendEnd::kConflict);
  EXPECT_EQ(*head(*store_), at);
  EXPECT_EQ(read(*store_, 0)->size(), 2U);
}

TEST_P(StoreContract, AnAppendOfAnOlderEpochIsFenced) {
  const Head before = fill(*store_, 1);
  const Result<Lease> lease = acquire(*store_, "node-1");
  ASSERT_TRUE(lease) << lease.error().context;
  EXPECT_GT(lease->epoch, before.epoch);
  const Head now{1, lease->epoch, 1};
  const Appended fenced = append(*store_, before, entries_after(before, 1));
  EXPECT_EQ(fenced.end, AppendEnd::kFenced);
  EXPECT_EQ(fenced.head, now);
  EXPECT_EQ(append(*store_, now, entries_after(now, 1)).end, AppendEnd::kAppended);
  EXPECT_EQ(read(*store_, 0)->size(), 2U);
}

TEST_P(StoreContract, TakesAndGivesLargeBatches) {
  const std::string large =
      "{\"x\":\"" + std::string(Store::kMostAppendBytes / Store::kMostAppend - 400, 'x') + "\"}";
  Head at;
  for (int i = 0; i < 3; ++i) {
    const Appended appended = append(*store_, at, entries_after(at, Store::kMostAppend, large));
    ASSERT_EQ(appended.end, AppendEnd::kAppended) << appended.why;
    at = appended.head;
  }
  EXPECT_EQ(read_all(*store_), entries_after({}, at.seq, large));
}

TEST_P(StoreContract, CompactingPutsABaseInPlaceOfEntries) {
  const Head at = fill(*store_, 10);
  // Larger than what a store may take in one request.
  const Base base{6, "\"" + std::string(3'000'000, 'b') + "\xC3\xA9\""};
  ASSERT_TRUE(compact(*store_, base));
  reopen();
  EXPECT_EQ(*head(*store_), (Head{10, 0, 7}));
  EXPECT_EQ(**load_base(*store_), base);
  EXPECT_EQ(*read(*store_, 6), entries_after({6, 0, 1}, 4));
  const auto gone = read(*store_, 5);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::kNotFound);
  // One that is behind, or ahead of the log, changes nothing.
  ASSERT_TRUE(compact(*store_, {3, "{}"}));
  (void)compact(*store_, {11, "{}"});
  EXPECT_EQ(**load_base(*store_), base);
  EXPECT_EQ(*head(*store_), (Head{10, 0, 7}));
  ASSERT_TRUE(compact(*store_, {10, "{\"all\":true}"}));
  EXPECT_EQ((*load_base(*store_))->state, "{\"all\":true}");
  EXPECT_TRUE(read(*store_, 10)->empty());
  const Head behind{10, 0, 11};
  EXPECT_EQ(*head(*store_), behind);
  EXPECT_EQ(append(*store_, at, entries_after(at, 1)).head, (Head{11, 0, 11}));
}

TEST_P(StoreContract, AnEmptyLogGoesOnWhereAnotherOneEnded) {
  const Base base{41, "{\"x\":\"" + std::string(700'000, 'x') + "\"}"};
  const Head restored{41, 7, 42};
  EXPECT_EQ(*restore(*store_, base, 7), restored);
  EXPECT_EQ(restore(*store_, base, 8).error().code, ErrorCode::kRefused);
  EXPECT_EQ(restore(*store_, std::nullopt, 8).error().code, ErrorCode::kRefused);
  reopen();
  EXPECT_EQ(*head(*store_), restored);
  EXPECT_EQ(**load_base(*store_), base);
  EXPECT_EQ(append(*store_, restored, entries_after(restored, 2)).head, (Head{43, 7, 42}));
  EXPECT_EQ(read(*store_, 41)->size(), 2U);
  EXPECT_EQ(read(*store_, 40).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(acquire(*store_, "node-1")->epoch, 8U);
}

TEST_P(StoreContract, AnEmptyLogBeginsWithAnEpoch) {
  EXPECT_EQ(*restore(*store_, std::nullopt, 3), (Head{0, 3, 1}));
  reopen();
  EXPECT_EQ(*load_base(*store_), std::nullopt);
  EXPECT_EQ(append(*store_, {0, 3, 1}, entries_after({0, 3, 1}, 1)).head, (Head{1, 3, 1}));
}

TEST_P(StoreContract, OneHoldsTheLeaseAndEachOneHasALargerEpoch) {
  const Result<Lease> first = acquire(*store_, "node-1");
  ASSERT_TRUE(first) << first.error().context;
  EXPECT_EQ(first->node, "node-1");
  const Result<Lease> second = acquire(*store_, "node-2");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kRefused);
  EXPECT_TRUE(keep(*store_, *first));
  EXPECT_EQ(head(*store_)->epoch, first->epoch);
  ASSERT_TRUE(release(*store_, *first));
  EXPECT_EQ(keep(*store_, *first).error().code, ErrorCode::kRefused);
  const Result<Lease> third = acquire(*store_, "node-2");
  ASSERT_TRUE(third) << third.error().context;
  EXPECT_GT(third->epoch, first->epoch);
  // What the first one does late does not touch the new one.
  (void)release(*store_, *first);
  EXPECT_TRUE(keep(*store_, *third));
  EXPECT_EQ(head(*store_)->epoch, third->epoch);
  ASSERT_TRUE(release(*store_, *third));
  reopen();
  EXPECT_EQ(head(*store_)->epoch, third->epoch);
}

TEST_P(StoreContract, TellsThatTheLogHasGrown) {
  const std::unique_ptr<Store> other = home_->is_shared() ? home_->open(*loop_) : nullptr;
  Store& writer = other ? *other : *store_;
  std::uint64_t seen = 0;
  // Whoever is told reads; what it has read may be more than what it was told of.
  const std::function<void()> look = [&] {
    store_->head(Freshness::kLatest, [&](Result<Head> at) {
      seen = at->seq;
      loop_->stop();
    });
  };
  store_->watch(look);
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    fill(writer, 1);
    run_until([&] { return seen >= seq; });
  }
  store_->watch(nullptr);
}

TEST_P(StoreContract, ManyWritersMakeOneLog) {
  constexpr std::size_t kEach = 25;
  std::vector<std::unique_ptr<Store>> others;
  std::vector<Store*> stores = {store_.get(), store_.get()};
  if (home_->is_shared()) {
    for (int i = 0; i < 2; ++i) stores.push_back(others.emplace_back(home_->open(*loop_)).get());
  }
  std::vector<Entry> acknowledged;
  std::size_t running = stores.size();
  struct Writer {
    std::size_t left = kEach;
    Head at;
    std::function<void()> next;
  };
  std::vector<Writer> writers(stores.size());
  for (std::size_t i = 0; i < stores.size(); ++i) {
    writers[i].next = [&, i] {
      std::vector<Entry> entry = entries_after(writers[i].at, 1);
      entry[0].key = std::to_string(i) + "/" + std::to_string(writers[i].left);
      stores[i]->append(writers[i].at, entry, [&, i, entry](const Appended& appended) {
        ASSERT_NE(appended.end, AppendEnd::kUnavailable) << appended.why;
        writers[i].at = appended.head;
        if (appended.end == AppendEnd::kAppended) {
          acknowledged.push_back(entry[0]);
          if (--writers[i].left == 0 && --running == 0) return loop_->stop();
        }
        if (writers[i].left > 0) writers[i].next();
      });
    };
    writers[i].next();
  }
  run_until([&] { return running == 0; });
  std::sort(acknowledged.begin(), acknowledged.end(), [](auto& a, auto& b) { return a.seq < b.seq; });
  EXPECT_EQ(read_all(*store_), acknowledged);
  EXPECT_EQ(acknowledged.size(), kEach * stores.size());
}

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreContract, testing::Values(&make<SqliteHome>));
INSTANTIATE_TEST_SUITE_P(Etcd, StoreContract, testing::Values(&make<EtcdHome>));
INSTANTIATE_TEST_SUITE_P(Memory, StoreContract, testing::Values(&make<MemoryHome>));

}  // namespace
}  // namespace meridian::control
