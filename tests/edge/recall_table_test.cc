#include "edge/recall_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "edge/fill_board.h"

namespace meridian::edge {
namespace {

class RecallTableTest : public testing::Test {
 protected:
  std::unique_ptr<EventLoop> loop_ = std::move(*EventLoop::create());
  FillBoard board_{*loop_}, other_board_{*loop_};
  RecallTable table_;
  int one_ = 0, two_ = 0, three_ = 0;  // their addresses are tickets
};

TEST_F(RecallTableTest, OneAloneNeedsNoFill) {
  EXPECT_EQ(table_.join_or_begin(7, 1, board_, &one_), nullptr);
  EXPECT_EQ(table_.end(7, &one_), nullptr);
  EXPECT_EQ(table_.join_or_begin(7, 1, board_, &one_), nullptr) << "it has ended";
  EXPECT_EQ(table_.end(7, &one_), nullptr);
}

TEST_F(RecallTableTest, WhoComesMeanwhileWaitsForTheSameFillOfWhoeverAsks) {
  EXPECT_EQ(table_.join_or_begin(7, 1, board_, &one_), nullptr);
  const auto second = table_.join_or_begin(7, 1, other_board_, &two_);
  ASSERT_TRUE(second);
  EXPECT_EQ(&second->owner(), &board_);
  EXPECT_EQ(table_.join_or_begin(7, 1, board_, &three_), second);
  EXPECT_EQ(table_.join_or_begin(8, 1, board_, &two_), nullptr) << "another key";
  EXPECT_EQ(table_.end(7, &one_), second);
  EXPECT_EQ(table_.end(8, &two_), nullptr);
}

TEST_F(RecallTableTest, WhatBeganBeforeAnInvalidationIsNotJoined) {
  EXPECT_EQ(table_.join_or_begin(7, 1, board_, &one_), nullptr);
  EXPECT_EQ(table_.join_or_begin(7, 2, board_, &two_), nullptr);
  const auto third = table_.join_or_begin(7, 2, board_, &three_);
  EXPECT_TRUE(third);
  EXPECT_EQ(table_.end(7, &one_), nullptr);
  EXPECT_EQ(table_.end(7, &two_), third);
}

TEST_F(RecallTableTest, OfSeveralWorkersOneAsks) {
  for (int round = 0; round < 200; ++round) {
    const int* first = nullptr;
    std::atomic<int> joined{0};
    const auto ask = [&](const int& ticket) {
      if (table_.join_or_begin(7, 1, board_, &ticket)) {
        ++joined;
      } else {
        first = &ticket;
      }
    };
    std::thread here([&] { ask(one_); }), there([&] { ask(two_); });
    here.join();
    there.join();
    EXPECT_EQ(joined, 1);
    ASSERT_NE(first, nullptr);
    EXPECT_TRUE(table_.end(7, first));
  }
}

}  // namespace
}  // namespace meridian::edge
