#include "origin/upstream/slots.h"

#include <thread>

#include "tests/upstream/harness.h"

// The cap on what runs at one target: first come first served over all workers, bounded, with a time to wait.
namespace meridian::upstream::test {
namespace {

class SlotsTest : public UpstreamTest {
 protected:
  ScriptedOrigin origin{*loop};
  void SetUp() override {
    options.connections = 2;
    options.queue = 3;
    options.retries = 0;
    use({origin.url()});
  }
};

TEST_F(SlotsTest, NoMoreRunThanAllowedAndTheRestComeInOrder) {
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(start({.path = "/" + std::to_string(i)}));
  ASSERT_TRUE(drive([&] { return origin.heads() == 2; }));
  turns();
  EXPECT_EQ(origin.heads(), 2U);
  EXPECT_EQ(state().running, 2U);
  EXPECT_EQ(state().waiting, 3U);
  auto beyond = run();
  ASSERT_TRUE(beyond->error);
  EXPECT_EQ(beyond->error->code, ErrorCode::kRefused);
  EXPECT_EQ(beyond->error->source, ErrorSource::kEdge);
  EXPECT_EQ(state().refused, 1U);

  std::string order;
  for (std::size_t i = 0; i < 5; ++i) {
    clients[i]->hook = [&order, i](std::string_view event) {
      if (event == "done") order += std::to_string(i);
    };
  }
  // The first connection alone serves all that wait.
  origin.at(0).on_bytes = [](OriginConnection& c) { c.send(kOk); };
  origin.at(0).send(kOk);
  ASSERT_TRUE(drive([&] { return order.size() == 4; }));
  EXPECT_EQ(order, "0234");
  EXPECT_EQ(state().waiting, 0U);
  EXPECT_EQ(state().running, 1U);
}

TEST_F(SlotsTest, WaitingHasItsTime) {
  auto a = start();
  auto b = start();
  ASSERT_TRUE(drive([&] { return origin.heads() == 2; }));
  auto waiting = start();
  advance(options.queue_timeout_ms - 50);
  EXPECT_FALSE(waiting->over());
  advance(100);
  ASSERT_TRUE(waiting->error);
  EXPECT_EQ(waiting->error->code, ErrorCode::kRefused);
  EXPECT_EQ(state().waiting, 0U);
  EXPECT_EQ(state().refused, 1U);
  EXPECT_EQ(state().failures, 0U);
}

TEST_F(SlotsTest, OneThatLeavesTheQueueLetsTheNextForward) {
  auto a = start();
  auto b = start();
  auto leaves = start();
  auto stays = start();
  ASSERT_TRUE(drive([&] { return origin.heads() == 2; }));
  // It leaves when its slot is on its way already: that slot goes on to the next.
  a.reset();
  leaves.reset();
  ASSERT_TRUE(drive([&] { return origin.heads() == 3; }));
  EXPECT_EQ(state().running, 2U);
  EXPECT_EQ(state().waiting, 0U);
  b.reset();
  stays.reset();
  turns();
  EXPECT_EQ(state().running, 0U);
}

TEST_F(SlotsTest, AnAttemptThatFailsGivesItsSlotBackBeforeTheRetry) {
  options.connections = 1;
  options.retries = 1;
  use({origin.url()});
  origin.on_bytes = [this](OriginConnection& c) {
    if (origin.connections.size() == 1) return c.reset();
    c.send(kOk);
  };
  auto a = start();
  auto b = start();
  ASSERT_TRUE(drive([&] {
    clock.advance_ms(1);
    return a->over() && b->over();
  }));
  EXPECT_TRUE(a->done);
  EXPECT_TRUE(b->done);
}

// One worker of its own: takes slots, holds each for a moment, gives it back, until its share is done.
class Holder final : public SlotWaiter {
 public:
  Holder(Slots& slots, std::atomic<int>& running, std::atomic<int>& most, int rounds)
      : slots_(slots), running_(running), most_(most), left_(rounds) {}
  void run() {
    loop_->post([this] { ask(); });
    loop_->run();
  }

 private:
  void ask() {
    if (left_ == 0) return loop_->stop();
    if (Slot slot = slots_.try_acquire()) return hold(std::move(slot));
    ticket_ = slots_.wait(*loop_, *this);
    ASSERT_TRUE(ticket_);
    // Now and then it changes its mind, perhaps just when the slot is on its way.
    if (left_ % 7 == 0) {
      ticket_ = SlotTicket();
      --left_;
      loop_->post([this] { ask(); });
    }
  }
  void on_slot(Slot slot) override {
    ticket_ = SlotTicket();
    hold(std::move(slot));
  }
  void hold(Slot slot) {
    const int now = running_.fetch_add(1) + 1;
    int seen = most_.load();
    while (now > seen && !most_.compare_exchange_weak(seen, now)) {
    }
    held_ = std::move(slot);
    loop_->post([this] {
      running_.fetch_sub(1);
      held_ = Slot();
      --left_;
      ask();
    });
  }

  std::unique_ptr<EventLoop> loop_ = EventLoop::create().value();
  Slots& slots_;
  std::atomic<int>& running_;
  std::atomic<int>& most_;
  int left_;
  SlotTicket ticket_;
  Slot held_;
};

TEST(Slots, ManyWorkersNeverExceedTheCapAndNoneIsForgotten) {
  auto slots = std::make_shared<Slots>(2, 100);
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  std::vector<std::unique_ptr<Holder>> holders;
  for (int i = 0; i < 4; ++i) holders.push_back(std::make_unique<Holder>(*slots, running, most, 3000));
  std::vector<std::thread> threads;
  for (auto& holder : holders) threads.emplace_back([&holder] { holder->run(); });
  // A lost wake-up shows as a loop that never ends.
  for (std::thread& thread : threads) thread.join();
  holders.clear();
  EXPECT_LE(most.load(), 2);
  EXPECT_EQ(slots->running(), 0U);
  EXPECT_EQ(slots->waiting(), 0U);
}

// Two workers with their own loops, resolvers and origins share one group.
TEST(SharedGroup, TwoWorkersOnTwoThreads) {
  std::unique_ptr<EventLoop> origin_loop = EventLoop::create().value();
  ScriptedOrigin origin(*origin_loop);
  origin.always(std::string(kOk));
  std::thread origin_thread([&] { origin_loop->run(); });

  GroupOptions options{.name = "two"};
  options.targets = {{.url = origin.url()}};
  options.connections = 3;
  std::shared_ptr<SharedGroup> shared = make_shared_group(options).value();
  std::atomic<int> done{0};
  const auto worker = [&] {
    std::unique_ptr<EventLoop> loop = EventLoop::create().value();
    FakeResolver resolver;
    std::unique_ptr<Group> group = Group::create(*loop, resolver, shared);
    std::vector<std::unique_ptr<Client>> clients;
    int left = 400;
    http::RequestHead head;
    head.method_name = "GET";
    head.path = "/";
    Request request;
    request.head = &head;
    for (int i = 0; i < 4; ++i) {
      clients.push_back(std::make_unique<Client>());
      Client& client = *clients.back();
      client.hook = [&](std::string_view event) {
        if (event == "error") ADD_FAILURE() << client.error->context;
        if (event != "done" && event != "error") return;
        ++done;
        if (--left > 3) {
          client.fetch = group->start(request, client);
        } else if (left == 0) {
          loop->stop();
        }
      };
      client.fetch = group->start(request, client);
    }
    loop->run();
  };
  std::thread a(worker);
  std::thread b(worker);
  // A third looks on.
  for (int i = 0; i < 100; ++i) EXPECT_LE(snapshot(*shared)[0].running, 3U);
  a.join();
  b.join();
  origin_loop->stop();
  origin_thread.join();
  EXPECT_EQ(done.load(), 800);
  EXPECT_EQ(snapshot(*shared)[0].requests, 800U);
  EXPECT_EQ(snapshot(*shared)[0].running, 0U);
}

}  // namespace
}  // namespace meridian::upstream::test
