#include "edge/fill.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

#include "edge/fill_board.h"
#include "edge/fill_table.h"

namespace meridian::edge {
namespace {

std::string number_line(int i) { return "line " + std::to_string(i) + "\n"; }

// Reads all it can whenever it is told to.
class Collector final : public FillReader {
 public:
  Collector(FillBoard& board, std::shared_ptr<Fill> fill) : board_(board), fill_(std::move(fill)) {
    EXPECT_TRUE(board_.join(fill_, *this, cursor_));
  }
  ~Collector() {
    if (fill_) board_.leave(*fill_, *this, cursor_);
  }
  void on_fill_progress() override {
    ++calls;
    view = fill_->view();
    if (!reads || (view.verdict != Fill::Verdict::kStream && view.verdict != Fill::Verdict::kAlone)) return;
    read();
  }
  void read() {
    Slice pieces[3];
    for (;;) {
      const std::size_t count = fill_->read(cursor_, pieces, 3, view);
      for (std::size_t i = 0; i < count; ++i) body.append(pieces[i].view());
      if (view.producer_waits) FillBoard::wake_producer(fill_, board_);
      if (count == 0) return;
    }
  }
  void leave() {
    board_.leave(*fill_, *this, cursor_);
    fill_.reset();
  }
  bool reads = true;
  int calls = 0;
  std::string body;
  Fill::View view;

 private:
  FillBoard& board_;
  std::shared_ptr<Fill> fill_;
  Fill::Cursor cursor_;
};

class Producer final : public FillProducer {
 public:
  void on_readers_changed() override { ++calls; }
  int calls = 0;
};

struct FillTest : testing::Test {
  std::unique_ptr<EventLoop> loop = *EventLoop::create();
  FillBoard board{*loop};
  std::shared_ptr<Fill> fill = std::make_shared<Fill>("key", board);
};

TEST_F(FillTest, EveryReaderGetsEveryByteWhenItJoins) {
  Collector early(board, fill);
  fill->publish_head({}, true, true);
  fill->append(Slice::copy_of("one "));
  Collector middle(board, fill);
  fill->append(Slice::copy_of("two "));
  fill->finish({});
  Collector late(board, fill);
  late.on_fill_progress();
  for (const Collector* reader : {&early, &middle, &late}) {
    EXPECT_EQ(reader->body, "one two ");
    EXPECT_EQ(reader->view.body, Fill::Body::kWhole);
  }
}

TEST_F(FillTest, ErrorBeforeTheHeadFailsAndAfterItBreaks) {
  Collector reader(board, fill);
  fill->publish_error({ErrorCode::kTimeout, ErrorSource::kOrigin, true, "too slow"});
  EXPECT_EQ(reader.view.verdict, Fill::Verdict::kFailed);
  EXPECT_EQ(fill->error().context, "too slow");

  auto second = std::make_shared<Fill>("key", board);
  Collector other(board, second);
  second->publish_head({}, true, true);
  second->append(Slice::copy_of("half"));
  second->publish_error({});
  EXPECT_EQ(other.body, "half");
  EXPECT_EQ(other.view.verdict, Fill::Verdict::kStream);
  EXPECT_EQ(other.view.body, Fill::Body::kBroken);
}

// With the body on disk as well, memory keeps a window of it, and who is slower is told to read there.
TEST_F(FillTest, WhatCanBeReadElsewhereWaitsForNobody) {
  Collector fast(board, fill);
  Collector slow(board, fill);
  slow.reads = false;
  fill->publish_head({}, true, true);
  const Slice elsewhere = Slice::copy_of("where");
  const std::string block(64 * 1024, 'x');
  std::uint64_t sent = 0;
  while (sent < 8 * Fill::kWindow) {
    fill->append(Slice::copy_of(block));
    sent += block.size();
    fill->set_backing(elsewhere.owner, sent - block.size());
    EXPECT_FALSE(fill->should_pause());
  }
  EXPECT_EQ(fast.body.size(), sent);

  Fill::Cursor cursor;
  Slice piece;
  Fill::View view;
  EXPECT_EQ(fill->read(cursor, &piece, 1, view), 0U);
  EXPECT_TRUE(view.behind);
  EXPECT_EQ(fill->backing().get(), elsewhere.owner.get());
  fill->advance(cursor, sent - Fill::kWindow);
  EXPECT_EQ(fill->read(cursor, &piece, 1, view), 1U) << "the window is in memory";
  EXPECT_FALSE(view.behind);

  cursor.offset = sent - block.size();
  EXPECT_EQ(fill->read(cursor, &piece, 1, view), 1U) << "all have read this, but it is nowhere else yet";
  Collector late(board, fill);
  EXPECT_TRUE(late.view.behind || late.body.empty()) << "it may join, and begins on disk";
  fill->set_backing({}, 0);
  cursor = {};
  EXPECT_EQ(fill->read(cursor, &piece, 1, view), 0U);
  EXPECT_EQ(view.body, Fill::Body::kBroken) << "what it needs is nowhere any more";
  slow.leave();
}

TEST_F(FillTest, WhatIsNotKeptWaitsForTheSlowestAndWakesTheProducer) {
  Producer producer;
  board.produce(*fill, producer);
  Collector reader(board, fill);
  reader.reads = false;
  fill->publish_head({}, false, false);
  const std::string block(64 * 1024, 'x');
  std::size_t sent = 0;
  while (!fill->should_pause()) {
    fill->append(Slice::copy_of(block));
    sent += block.size();
    ASSERT_LE(sent, 2 * Fill::kWindow) << "nothing bounds the backlog";
  }
  EXPECT_EQ(producer.calls, 0);
  reader.read();
  EXPECT_EQ(reader.body.size(), sent);
  EXPECT_EQ(producer.calls, 1);
  EXPECT_FALSE(fill->should_pause());
  board.stop_producing(*fill);
}

TEST_F(FillTest, AKeptBodyNeverPausesItsProducer) {
  Collector reader(board, fill);
  reader.reads = false;
  fill->publish_head({}, true, true);
  std::string whole;
  for (int i = 0; i < 100; ++i) {
    const std::string part(32 * 1024, static_cast<char>('a' + i % 26));
    fill->append(Slice::copy_of(part));
    whole += part;
    EXPECT_FALSE(fill->should_pause());
  }
  fill->finish({});
  std::string kept;
  for (const Slice& slice : fill->take_body()) kept.append(slice.view());
  EXPECT_EQ(kept, whole);
}

TEST_F(FillTest, NobodyJoinsWhenTheBeginningIsGone) {
  Collector reader(board, fill);
  fill->publish_head({}, true, true);
  fill->append(Slice::copy_of("gone"));
  fill->stop_retaining();
  struct Idle final : FillReader {
    void on_fill_progress() override {}
  } late;
  Fill::Cursor cursor;
  EXPECT_FALSE(board.join(fill, late, cursor));
}

TEST_F(FillTest, WhoJoinsAnAbandonedFillIsToldToAskAlone) {
  fill->abandon();
  Collector late(board, fill);
  EXPECT_EQ(fill->view().verdict, Fill::Verdict::kAlone);
  EXPECT_EQ(fill->view().body, Fill::Body::kBroken);
}

TEST_F(FillTest, AReaderMayLeaveInsideItsCall) {
  struct Leaver final : FillReader {
    explicit Leaver(FillBoard& board, std::shared_ptr<Fill> fill) : board(board), fill(std::move(fill)) {
      EXPECT_TRUE(board.join(this->fill, *this, cursor));
    }
    void on_fill_progress() override { board.leave(*fill, *this, cursor); }
    FillBoard& board;
    std::shared_ptr<Fill> fill;
    Fill::Cursor cursor;
  };
  Leaver first(board, fill);
  Collector second(board, fill);
  Leaver third(board, fill);
  fill->publish_head({}, true, true);
  fill->append(Slice::copy_of("still here"));
  EXPECT_EQ(second.body, "still here");
  EXPECT_EQ(fill->reader_count(), 1U);
}

TEST_F(FillTest, FollowersOnAnotherWorkerGetTheSameBytes) {
  auto other_loop = *EventLoop::create();
  std::string expected;
  for (int i = 0; i < 2000; ++i) expected += number_line(i);
  std::string got;
  {
    FillBoard other_board(*other_loop);
    std::unique_ptr<Collector> follower;
    struct Ends final : FillReader {
      void on_fill_progress() override {
        if (collector->view.body == Fill::Body::kFlowing) return;
        loop->stop();
      }
      Collector* collector = nullptr;
      EventLoop* loop = nullptr;
    } ends;
    Fill::Cursor unused;
    other_loop->post([&] {
      follower = std::make_unique<Collector>(other_board, fill);
      follower->on_fill_progress();
      ends.collector = follower.get();
      ends.loop = other_loop.get();
      EXPECT_TRUE(other_board.join(fill, ends, unused));
      ends.on_fill_progress();
    });
    std::thread thread([&] { other_loop->run(); });
    fill->publish_head({}, true, true);
    for (int i = 0; i < 2000; ++i) fill->append(Slice::copy_of(number_line(i)));
    fill->finish({});
    thread.join();
    other_board.leave(*fill, ends, unused);
    got = follower->body;
    follower.reset();
  }
  EXPECT_EQ(got, expected);
}

TEST_F(FillTest, TheTableGivesOneFillForAKeyUntilItIsClosed) {
  FillTable table;
  int made = 0;
  const auto make = [&] {
    ++made;
    return std::make_shared<Fill>("key", board);
  };
  bool joined = false;
  const auto first = table.join_or_start(7, "key", 7, joined, make);
  EXPECT_FALSE(joined);
  EXPECT_EQ(table.join_or_start(7, "key", 7, joined, make), first);
  EXPECT_TRUE(joined);
  table.close(7, "key", *first);
  const auto second = table.join_or_start(7, "key", 7, joined, make);
  EXPECT_FALSE(joined);
  EXPECT_EQ(made, 2);
  // A fill that has ended does not close its successor.
  table.close(7, "key", *first);
  EXPECT_EQ(table.join_or_start(7, "key", 7, joined, make), second);
}

TEST_F(FillTest, AnInvalidationIsSeenByRunningFillsAndEndsJoining) {
  FillTable table;
  bool joined = false;
  const auto make = [&] { return std::make_shared<Fill>("key", board); };
  const auto first = table.join_or_start(7, "key", 7, joined, make);
  const std::uint64_t before = table.generation(7);
  table.invalidate(7);
  EXPECT_NE(table.generation(7), before);
  EXPECT_NE(table.join_or_start(7, "key", 7, joined, make), first);
  EXPECT_FALSE(joined);
}

}  // namespace
}  // namespace meridian::edge
