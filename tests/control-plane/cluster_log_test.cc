#include "control-plane/cluster_log.h"

#include "control-plane/leadership.h"
#include "lib/wire/purge.h"
#include "tests/control-plane/memory_store.h"
#include "tests/control-plane/store_test.h"

namespace meridian::control {
namespace {

Command purge(const std::string& tag, const std::string& key = "") {
  Command command;
  command.kind = "purge";
  command.payload = serialize(wire::Purge{wire::PurgeMode::kHard, {{wire::PurgeScope::kTag, tag, ""}}});
  command.author = "somebody";
  command.key = key;
  return command;
}

class Watcher final : public LogObserver {
 public:
  void on_entries(const std::shared_ptr<const State>& state, std::span<const Entry> entries) override {
    EXPECT_EQ(entries.front().prev, seq);
    EXPECT_EQ(entries.back().seq, state->seq());
    seq = state->seq();
  }
  void on_reset(const std::shared_ptr<const State>& state) override {
    EXPECT_GT(state->seq(), seq);
    seq = state->seq();
    ++resets;
  }
  std::uint64_t seq = 0;
  int resets = 0;
};

class ClusterLogTest : public LoopTest {
 protected:
  std::unique_ptr<ClusterLog> open(Store& store, const std::string& node = "n1",
                                   const ClusterLog::Limits& limits = {}) {
    auto log = std::make_unique<ClusterLog>(*loop_, store, node, limits);
    log->start();
    return log;
  }
  Result<Receipt> append(ClusterLog& log, const Command& command) {
    return wait<Result<Receipt>>([&](auto done) { log.append(command, done); });
  }
  // Runs the loop until it is so, and looks every 10 ms.
  template <class IsSo>
  void turn_until(const IsSo& is_so) {
    Timer tick(*loop_, [&] { loop_->stop(); });
    for (int i = 0; i < 3000 && !is_so(); ++i) {
      tick.arm(10);
      loop_->run();
    }
    EXPECT_TRUE(is_so());
  }

  MemoryCluster cluster_;
};

TEST_F(ClusterLogTest, AppendsInOrderAndPublishes) {
  MemoryStore store(*loop_, cluster_);
  const auto log = open(store);
  Watcher watcher;
  log->add(watcher);
  EXPECT_FALSE(log->is_current());
  std::vector<std::uint64_t> seqs;
  for (int i = 0; i < 200; ++i) {
    log->append(purge(std::to_string(i)), [&](Result<Receipt> receipt) {
      ASSERT_TRUE(receipt) << receipt.error().context;
      EXPECT_FALSE(receipt->repeated);
      seqs.push_back(receipt->seq);
    });
  }
  turn_until([&] { return seqs.size() == 200; });
  for (std::size_t i = 0; i < seqs.size(); ++i) EXPECT_EQ(seqs[i], i + 1);
  EXPECT_EQ(watcher.seq, 200U);
  EXPECT_EQ(log->state()->purges().size(), 200U);
  // What waited together went together.
  EXPECT_LE(log->counts().appends, 5U);
  log->remove(watcher);
}

TEST_F(ClusterLogTest, AKeyIsUsedOnce) {
  MemoryStore store(*loop_, cluster_);
  const auto log = open(store);
  EXPECT_EQ(append(*log, purge("a", "k1"))->seq, 1U);
  const Result<Receipt> again = append(*log, purge("a", "k1"));
  EXPECT_EQ(again->seq, 1U);
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(append(*log, purge("b", "k1")).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(append(*log, purge("b", "k2"))->seq, 2U);
  // Also twice at once.
  std::vector<Result<Receipt>> receipts;
  for (const char* tag : {"c", "c", "d"})
    log->append(purge(tag, "k3"), [&](Result<Receipt> receipt) { receipts.push_back(std::move(receipt)); });
  turn_until([&] { return receipts.size() == 3; });
  std::size_t refused = 0;
  for (const auto& receipt : receipts) {
    if (!receipt) {
      ++refused;
    } else {
      EXPECT_EQ(receipt->seq, 3U);
    }
  }
  EXPECT_EQ(refused, 1U);
  EXPECT_EQ(cluster_.entries.size(), 3U);
}

// Whoever loses the race has appended nothing, and is told that the key was used.
TEST_F(ClusterLogTest, OfTwoNodesThatUseAKeyAtOnceOneRepeatsTheOther) {
  MemoryStore first_store(*loop_, cluster_), second_store(*loop_, cluster_);
  const auto first = open(first_store, "n1");
  const auto second = open(second_store, "n2");
  turn_until([&] { return first->is_current() && second->is_current(); });
  std::vector<Receipt> receipts;
  for (ClusterLog* log : {first.get(), second.get()}) {
    log->append(purge("a", "k"), [&](Result<Receipt> receipt) {
      ASSERT_TRUE(receipt) << receipt.error().context;
      receipts.push_back(*receipt);
    });
  }
  turn_until([&] { return receipts.size() == 2; });
  EXPECT_EQ(receipts[0].seq, receipts[1].seq);
  EXPECT_NE(receipts[0].repeated, receipts[1].repeated);
  EXPECT_EQ(cluster_.entries.size(), 1U);
}

TEST_F(ClusterLogTest, NodesThatAppendAtOnceMakeOneHistory) {
  MemoryStore store1(*loop_, cluster_);
  MemoryStore store2(*loop_, cluster_);
  const auto log1 = open(store1, "n1");
  const auto log2 = open(store2, "n2");
  std::size_t answered = 0;
  for (int i = 0; i < 100; ++i) {
    const auto count = [&](Result<Receipt> receipt) {
      EXPECT_TRUE(receipt);
      ++answered;
    };
    log1->append(purge("a" + std::to_string(i)), count);
    log2->append(purge("b" + std::to_string(i)), count);
    loop_->run_once();
  }
  turn_until([&] { return answered == 200 && log1->state()->seq() == 200 && log2->state()->seq() == 200; });
  EXPECT_EQ(log1->state()->to_text(), log2->state()->to_text());
  EXPECT_GT(log1->counts().conflicts + log2->counts().conflicts, 0U);
}

TEST_F(ClusterLogTest, AnAnswerThatWasLostIsFoundAgain) {
  MemoryStore store(*loop_, cluster_);
  const auto log = open(store);
  ASSERT_TRUE(append(*log, purge("a")));
  // It is appended, and nobody says so.
  cluster_.lose_answers = 1;
  const Result<Receipt> receipt = append(*log, purge("b"));
  ASSERT_TRUE(receipt) << receipt.error().context;
  EXPECT_EQ(receipt->seq, 2U);
  EXPECT_FALSE(receipt->repeated);
  EXPECT_EQ(cluster_.entries.size(), 2U);
  EXPECT_EQ(log->counts().unavailable, 1U);
  // It is not appended.
  cluster_.fail_appends = 1;
  EXPECT_EQ(append(*log, purge("c"))->seq, 3U);
  EXPECT_EQ(cluster_.entries.size(), 3U);
}

TEST_F(ClusterLogTest, WithoutTheStoreCommandsWaitAndAreGivenUp) {
  MemoryStore store(*loop_, cluster_);
  ClusterLog::Limits limits;
  limits.command_ms = 200;
  limits.waiting = 3;
  const auto log = open(store, "n1", limits);
  ASSERT_TRUE(append(*log, purge("a")));
  cluster_.is_down = true;
  const Result<Receipt> late = append(*log, purge("b", "key-b"));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(log->is_current());
  EXPECT_FALSE(log->why_not().empty());
  EXPECT_EQ(log->state()->seq(), 1U);
  std::vector<ErrorCode> ends;
  for (int i = 0; i < 4; ++i)
    log->append(purge("c"), [&](Result<Receipt> receipt) { ends.push_back(receipt.error().code); });
  turn_until([&] { return ends.size() == 4; });
  EXPECT_EQ(std::count(ends.begin(), ends.end(), ErrorCode::kRefused), 1);
  EXPECT_EQ(log->counts().full, 1U);
  cluster_.is_down = false;
  EXPECT_EQ(append(*log, purge("b", "key-b"))->seq, 2U);
  EXPECT_TRUE(log->is_current());
}

TEST_F(ClusterLogTest, WhoIsBehindACompactionTakesTheBase) {
  MemoryStore store1(*loop_, cluster_);
  const auto log1 = open(store1);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(append(*log1, purge(std::to_string(i))));
  MemoryStore store2(*loop_, cluster_);
  const auto log2 = open(store2, "n2");
  Watcher watcher;
  log2->add(watcher);
  turn_until([&] { return watcher.seq == 10; });
  // It hears nothing for a while.
  store2.is_cut_off = true;
  for (int i = 10; i < 20; ++i) ASSERT_TRUE(append(*log1, purge(std::to_string(i))));
  ASSERT_TRUE(wait<Result<void>>([&](auto done) { store1.compact({18, cluster_.state_at(18)}, done); }));
  store2.is_cut_off = false;
  turn_until([&] { return watcher.seq == 20; });
  EXPECT_EQ(watcher.resets, 1);
  EXPECT_EQ(log2->state()->to_text(), log1->state()->to_text());
  MemoryStore store3(*loop_, cluster_);
  const auto log3 = open(store3, "n3");
  turn_until([&] { return log3->is_current(); });
  EXPECT_EQ(log3->state()->to_text(), log1->state()->to_text());
  log2->remove(watcher);
}

TEST_F(ClusterLogTest, AnEntryOfALaterVersionStopsItAndIsSaid) {
  MemoryStore store(*loop_, cluster_);
  const auto log = open(store);
  ASSERT_TRUE(append(*log, purge("a")));
  Entry odd = cluster_.entries[0];
  odd.seq = 2, odd.prev = 1, odd.kind = "novelty", odd.key = "";
  cluster_.add(odd);
  turn_until([&] { return !log->is_current(); });
  EXPECT_NE(log->why_not().find("novelty"), std::string::npos);
  EXPECT_FALSE(append(*log, purge("b")));
  EXPECT_EQ(log->state()->seq(), 1U);
  EXPECT_EQ(cluster_.entries.size(), 2U);
}

TEST_F(ClusterLogTest, TheLeaderSaysSoAndItsWritesAreFenced) {
  MemoryStore store1(*loop_, cluster_);
  MemoryStore store2(*loop_, cluster_);
  const auto log1 = open(store1, "n1");
  const auto log2 = open(store2, "n2");
  Leadership first(*loop_, store1, *log1, 1000);
  first.start();
  turn_until([&] { return log2->state()->leader() == "n1"; });
  EXPECT_TRUE(first.leads());
  Leadership second(*loop_, store2, *log2, 1000);
  second.start();
  const std::uint64_t old_epoch = first.epoch();
  Command fenced = purge("a");
  fenced.epoch = old_epoch;
  EXPECT_TRUE(append(*log1, fenced));
  // The first one is frozen for longer than its lease lives.
  store1.is_cut_off = true;
  cluster_.end_lease();
  turn_until([&] { return log2->state()->leader() == "n2"; });
  EXPECT_GT(second.epoch(), old_epoch);
  store1.is_cut_off = false;
  const Result<Receipt> late = append(*log1, fenced);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kRefused);
  turn_until([&] { return !first.leads(); });
  EXPECT_TRUE(append(*log1, purge("anybody")));
}

TEST_F(ClusterLogTest, TheLeaderCompacts) {
  MemoryStore store(*loop_, cluster_);
  const auto log = open(store);
  Leadership leader(*loop_, store, *log, 50);
  leader.start();
  turn_until([&] { return leader.leads() && log->state()->seq() == 1; });
  for (int i = 0; i < 400; ++i) {
    ASSERT_TRUE(append(*log, purge(std::to_string(i))));
    ASSERT_LE(cluster_.entries.size(), 110U);
  }
  EXPECT_GE(leader.compactions(), 5U);
  MemoryStore other(*loop_, cluster_);
  const auto fresh = open(other, "n2");
  turn_until([&] { return fresh->is_current(); });
  EXPECT_EQ(fresh->state()->to_text(), log->state()->to_text());
  bool has_resigned = false;
  leader.resign([&] { has_resigned = true; });
  turn_until([&] { return has_resigned; });
  EXPECT_FALSE(leader.leads());
  EXPECT_TRUE(cluster_.holder.empty());
}

}  // namespace
}  // namespace meridian::control
