#include "edge/body_plan.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace meridian::edge {
namespace {

constexpr std::string_view kBody = "abcdefghijklmnopqrstuvwxyz";

// Feeds the body in pieces of `piece` bytes, as a responder does, going back where the plan asks for it.
std::string sent(BodyPlan& plan, std::size_t piece) {
  std::string out;
  for (std::size_t at = 0; at < kBody.size();) {
    const std::string_view bytes = kBody.substr(at, piece);
    plan.take(Slice::of_static(bytes), at, [&](const Slice& slice) { out.append(slice.view()); });
    at += bytes.size();
    if (!plan.everything() && plan.done()) break;
    if (plan.must_rewind(at)) at = 0;
  }
  return out;
}

TEST(BodyPlan, EverythingByDefault) {
  for (const std::size_t piece : {1U, 5U, 26U}) {
    BodyPlan plan;
    EXPECT_EQ(sent(plan, piece), kBody);
  }
}

TEST(BodyPlan, OneRangeWhateverThePieces) {
  for (std::size_t begin = 0; begin < kBody.size(); ++begin) {
    for (std::size_t end = begin + 1; end <= kBody.size(); ++end) {
      for (const std::size_t piece : {1U, 4U, 26U}) {
        BodyPlan plan;
        plan.range(begin, end);
        EXPECT_EQ(sent(plan, piece), kBody.substr(begin, end - begin));
        EXPECT_TRUE(plan.done());
      }
    }
  }
}

TEST(BodyPlan, PartsInAnyOrderWithTextBetween) {
  for (const std::size_t piece : {1U, 3U, 26U}) {
    BodyPlan plan;
    plan.parts({{"<1>", 20, 24}, {"<2>", 0, 2}, {"<3>", 1, 3}, {"<4>", 25, 26}}, "<end>");
    EXPECT_EQ(sent(plan, piece), "<1>uvwx<2>ab<3>bc<4>z<end>") << "pieces of " << piece;
  }
}

}  // namespace
}  // namespace meridian::edge
