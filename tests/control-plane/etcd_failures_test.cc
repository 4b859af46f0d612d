#include <signal.h>

#include <map>

#include "lib/base/aead.h"
#include "lib/wire/parameters.h"
#include "tests/control-plane/etcd_servers.h"
#include "tests/control-plane/store_test.h"

// Three real servers that are killed, stopped and cut off.
namespace meridian::control {
namespace {

class EtcdFailures : public StoreTest {
 protected:
  EtcdFailures() : resolver_(Resolver::create(*loop_, {})), servers_(3) {
    // Until they have found each other.
    EtcdOptions options = servers_.options("/");
    options.budget_ms = 20'000;
    EtcdStore store(*loop_, *resolver_, options);
    EXPECT_TRUE(head(store));
  }
  ~EtcdFailures() override {
    for (std::size_t i = 0; i < servers_.size(); ++i) servers_.signal(i, SIGCONT);
  }

  std::unique_ptr<EtcdStore> open(std::vector<std::size_t> servers = {}) {
    return std::make_unique<EtcdStore>(*loop_, *resolver_, servers_.options("/t/", std::move(servers)));
  }
  // Which server leads, asked of one that answers.
  std::size_t leader() {
    std::map<std::uint64_t, std::size_t> members;
    std::uint64_t leader = 0;
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      EtcdClient client(*loop_, *resolver_, servers_.options("/", {i}));
      const auto json =
          wait<Result<wire::Json>>([&](auto done) { client.ask("/v3/maintenance/status", "{}", done); });
      if (!json) continue;
      members[*etcd::parse_number(*json->find("header"), "member_id")] = i;
      leader = *etcd::parse_number(*json, "leader");
    }
    EXPECT_TRUE(members.contains(leader));
    return members[leader];
  }
  // Appends until so many more are acknowledged, whatever happens in between; what was acknowledged.
  void append_some(Store& store, std::size_t count, const std::string& name) {
    const std::size_t goal = acknowledged_.size() + count;
    Head at = head(store).value_or(Head());
    for (int tries = 0; acknowledged_.size() < goal && tries < 200; ++tries) {
      std::vector<Entry> entry = entries_after(at, 1);
      entry[0].key = name + std::to_string(tries);
      const Appended appended = append(store, at, entry);
      if (appended.end == AppendEnd::kAppended) {
        acknowledged_.push_back(entry[0]);
        at = appended.head;
      } else {
        ++failures_;
        at = head(store).value_or(at);
      }
    }
    EXPECT_EQ(acknowledged_.size(), goal);
  }
  // What was acknowledged is there as it was, in one chain.
  void expect_all(Store& store) {
    const auto all = read(store, 0);
    ASSERT_TRUE(all) << all.error().context;
    for (std::size_t i = 0; i < all->size(); ++i) EXPECT_EQ((*all)[i].seq, i + 1);
    for (const Entry& entry : acknowledged_) {
      ASSERT_LE(entry.seq, all->size());
      EXPECT_EQ((*all)[entry.seq - 1], entry);
    }
    EXPECT_EQ(head(store)->seq, all->size());
  }

  std::unique_ptr<Resolver> resolver_;
  EtcdServers servers_;
  std::vector<Entry> acknowledged_;
  std::size_t failures_ = 0;
};

TEST_F(EtcdFailures, TheLeaderIsKilled) {
  const auto store = open();
  append_some(*store, 5, "before");
  const std::size_t killed = leader();
  servers_.kill(killed);
  append_some(*store, 5, "during");
  EXPECT_EQ(failures_, 0U) << "the store's own attempts reach over an election";
  servers_.start(killed);
  append_some(*store, 5, "after");
  expect_all(*store);
}

TEST_F(EtcdFailures, TheLeaderIsSilent) {
  const auto store = open({leader(), 0, 1, 2});
  append_some(*store, 5, "before");
  const std::size_t stopped = leader();
  servers_.signal(stopped, SIGSTOP);
  append_some(*store, 5, "during");
  EXPECT_EQ(failures_, 0U);
  // It comes back and finds that it leads no more; nothing that it had in hand takes effect.
  servers_.signal(stopped, SIGCONT);
  append_some(*store, 5, "after");
  expect_all(*store);
}

TEST_F(EtcdFailures, WithoutAQuorumNothingIsAcknowledgedAndLocalReadsGoOn) {
  const auto store = open();
  append_some(*store, 3, "before");
  const std::size_t cut_off = (leader() + 1) % 3;
  for (std::size_t i = 0; i < 3; ++i) {
    if (i != cut_off) servers_.signal(i, SIGSTOP);
  }
  // A node that only reaches the server that is alone.
  const auto alone = open({cut_off});
  const Head at{3, 0, 1};
  std::vector<Entry> lost = entries_after(at, 1);
  lost[0].key = "lost";
  EXPECT_EQ(append(*alone, at, lost).end, AppendEnd::kUnavailable);
  EXPECT_FALSE(head(*alone, Freshness::kLatest));
  const auto local = read(*alone, 0, 10, Freshness::kLocal);
  ASSERT_TRUE(local) << local.error().context;
  EXPECT_EQ(*local, acknowledged_);
  for (std::size_t i = 0; i < 3; ++i) servers_.signal(i, SIGCONT);
  append_some(*store, 3, "after");
  expect_all(*alone);
}

TEST_F(EtcdFailures, ALeaseThatIsNotKeptPassesOnAndItsEpochIsFenced) {
  EtcdOptions options = servers_.options("/t/");
  options.lease_ms = 1000;
  EtcdStore old_leader(*loop_, *resolver_, options);
  EtcdStore new_leader(*loop_, *resolver_, options);
  const Result<Lease> first = acquire(old_leader, "node-1");
  ASSERT_TRUE(first) << first.error().context;
  const Head at{0, first->epoch, 1};
  EXPECT_EQ(append(old_leader, at, entries_after(at, 1)).end, AppendEnd::kAppended);
  // Nobody keeps it; each refusal takes a round to three servers.
  Result<Lease> second = acquire(new_leader, "node-2");
  for (int i = 0; i < 5000 && !second; ++i) second = acquire(new_leader, "node-2");
  ASSERT_TRUE(second) << second.error().context;
  EXPECT_GT(second->epoch, first->epoch);
  const Head stale{1, first->epoch, 1};
  EXPECT_EQ(append(old_leader, stale, entries_after(stale, 1)).end, AppendEnd::kFenced);
  EXPECT_EQ(keep(old_leader, *first).error().code, ErrorCode::kRefused);
  EXPECT_TRUE(keep(new_leader, *second));
}

TEST_F(EtcdFailures, AWatchOutlivesItsServer) {
  const auto reader = open();
  const auto writer = open();
  std::uint64_t seen = 0;
  reader->watch([&] {
    reader->head(Freshness::kLatest, [&](Result<Head> at) {
      if (at) seen = std::max(seen, at->seq);
      loop_->stop();
    });
  });
  append_some(*writer, 1, "before");
  run_until([&] { return seen >= 1; });
  servers_.kill(0);
  append_some(*writer, 1, "after");
  run_until([&] { return seen >= 2; });
}

}  // namespace
}  // namespace meridian::control
