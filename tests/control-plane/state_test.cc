#include "control-plane/log/state.h"

#include <gtest/gtest.h>

#include "lib/wire/purge.h"

namespace meridian::control {
namespace {

Entry entry(std::uint64_t seq, std::string kind, std::string payload, std::uint64_t epoch = 1) {
  return {.seq = seq,
          .prev = seq - 1,
          .epoch = epoch,
          .time_ms = 5,
          .node = "n",
          .author = "a",
          .from = "",
          .key = "k" + std::to_string(seq),
          .kind = std::move(kind),
          .payload = std::move(payload)};
}
Entry purge(std::uint64_t seq, const std::string& tag, std::uint64_t epoch = 1) {
  return entry(seq, "purge",
               serialize(wire::Purge{wire::PurgeMode::kHard, {{wire::PurgeScope::kTag, tag, ""}}}), epoch);
}
Token token(std::string id, Role role) {
  Token made = make_token("ops", role, {"shop"}).token;
  made.id = std::move(id);
  return made;
}

std::vector<Entry> a_history() {
  return {entry(1, "leader", R"({"node":"n-1"})"),
          entry(2, "token", serialize(token("00000000000000aa", Role::kAdmin))),
          purge(3, "a"),
          entry(4, "token", serialize(token("00000000000000bb", Role::kPurger))),
          purge(5, "b"),
          entry(6, "token-revoked", R"({"id":"00000000000000bb"})"),
          entry(7, "leader", R"({"node":"n-2"})", 2),
          purge(8, "c", 2)};
}

State state_of(const std::vector<Entry>& entries) {
  State state;
  for (const Entry& each : entries) EXPECT_EQ(state.apply(each), std::nullopt) << each.seq;
  return state;
}

TEST(Entry, IsReadAsItWasWritten) {
  for (const Entry& each : a_history()) EXPECT_EQ(*parse_entry(serialize(each)), each);
  Entry odd = purge(9, "x");
  odd.author = "\"A\"\n\xC3\xA9", odd.key = "", odd.from = "::1";
  EXPECT_EQ(*parse_entry(serialize(odd)), odd);
  for (const std::string_view bad :
       {"", "{}",
        R"({"seq":1,"prev":0,"epoch":0,"time_ms":0,"node":"","author":"a","kind":"x","payload":{}})",
        R"({"seq":1,"prev":1,"epoch":0,"time_ms":0,"node":"n","author":"a","kind":"x","payload":{}})",
        R"({"seq":1,"prev":0,"epoch":0,"time_ms":0,"node":"n","author":"a","kind":"x","payload":1})",
        R"({"seq":1,"prev":0,"epoch":0,"time_ms":0,"node":"n","author":"a","kind":"x","payload":{},"y":1})"})
    EXPECT_FALSE(parse_entry(bad)) << bad;
}

TEST(State, IsWhatTheLogSays) {
  const State state = state_of(a_history());
  EXPECT_EQ(state.seq(), 8U);
  EXPECT_EQ(state.epoch(), 2U);
  EXPECT_EQ(state.leader(), "n-2");
  EXPECT_EQ(state.tokens().size(), 1U);
  EXPECT_TRUE(state.has_admin());
  EXPECT_EQ(state.token("00000000000000bb"), nullptr);
  EXPECT_EQ(state.edge_seq(), 8U);
  ASSERT_EQ(state.purges().size(), 3U);
  EXPECT_EQ(state.purges()[1]->seq, 5U);
  EXPECT_EQ(state.keys().find("k3"), (KeyUse{3, State::digest_of("purge", a_history()[2].payload)}));
  EXPECT_EQ(state.keys().find("other"), std::nullopt);
}

TEST(State, DuplicatesReorderingAndGapsChangeNothing) {
  const std::vector<Entry> history = a_history();
  State state;
  for (std::size_t i = 0; i < history.size(); ++i) {
    if (i + 1 < history.size()) {
      EXPECT_EQ(state.apply(history[i + 1]), NotApplied::kGap);
    }
    EXPECT_EQ(state.apply(history[i]), std::nullopt);
    for (std::size_t j = i + 1; j-- > 0;) EXPECT_EQ(state.apply(history[j]), NotApplied::kDuplicate);
  }
  EXPECT_EQ(state.to_text(), state_of(history).to_text());
}

TEST(State, WhatDoesNotFollowIsNotApplied) {
  State state = state_of(a_history());
  const std::string before = state.to_text();
  EXPECT_EQ(state.apply(purge(9, "d", 1)), NotApplied::kOldEpoch);
  EXPECT_EQ(state.apply(entry(9, "novelty", "{}", 2)), NotApplied::kUnknownKind);
  for (const auto& [kind, payload] : std::vector<std::pair<std::string, std::string>>{
           {"purge", "{}"}, {"token", "{}"}, {"token-revoked", "{}"}, {"leader", R"({"node":1})"}})
    EXPECT_EQ(state.apply(entry(9, kind, payload, 2)), NotApplied::kBroken) << kind;
  EXPECT_EQ(state.to_text(), before);
}

TEST(State, ACopyIsNotTouchedByWhatComesLater) {
  const State before = state_of(a_history());
  const std::string text = before.to_text();
  State later = before;
  for (std::uint64_t seq = 9; seq < 1000; ++seq) ASSERT_EQ(later.apply(purge(seq, "x", 2)), std::nullopt);
  State branch = before;
  ASSERT_EQ(branch.apply(purge(9, "another", 2)), std::nullopt);
  EXPECT_EQ(before.to_text(), text);
  EXPECT_EQ(later.purges().size(), 994U);
  EXPECT_NE(later.purges()[3]->payload, branch.purges()[3]->payload);
  EXPECT_NE(later.chain(), branch.chain());
}

TEST(State, TheTextMakesTheSameState) {
  State state = state_of(a_history());
  Result<State> again = State::parse(state.to_text());
  ASSERT_TRUE(again) << again.error().context;
  EXPECT_EQ(again->to_text(), state.to_text());
  // Also in what they do later.
  for (std::uint64_t seq = 9; seq < 2000; ++seq) {
    ASSERT_EQ(state.apply(purge(seq, "x", 2)), std::nullopt);
    ASSERT_EQ(again->apply(purge(seq, "x", 2)), std::nullopt);
  }
  EXPECT_EQ(again->to_text(), state.to_text());
  for (const std::string_view bad : {"", "{}", "[]", R"({"format":2})"})
    EXPECT_FALSE(State::parse(bad)) << bad;
}

TEST(State, OldPurgesGoAndTheFloorSaysWhich) {
  State state;
  const std::uint64_t count = State::kMostPurges + 100;
  for (std::uint64_t seq = 1; seq <= count; ++seq) ASSERT_EQ(state.apply(purge(seq, "x")), std::nullopt);
  EXPECT_EQ(state.purges().size(), State::kMostPurges);
  EXPECT_EQ(state.purge_floor(), 100U);
  EXPECT_EQ(state.purges().front()->seq, 101U);
  // By bytes as well.
  State heavy;
  const std::string tag(1000, 't');
  std::uint64_t seq = 0;
  while (heavy.purge_floor() == 0) ASSERT_EQ(heavy.apply(purge(++seq, tag)), std::nullopt);
  EXPECT_LT(seq, 17'000U);
  EXPECT_EQ(heavy.purges().front()->seq, heavy.purge_floor() + 1);
}

TEST(State, WhatOthersSeeHasNoSecret) {
  const State state = state_of(a_history());
  const std::string digest = state.token("00000000000000aa")->digest;
  EXPECT_NE(state.to_text().find(digest), std::string::npos);
  EXPECT_EQ(state.summary().find(digest), std::string::npos);
  EXPECT_EQ(state.for_edges().find(digest), std::string::npos);
  EXPECT_EQ(state.for_edges().find(R"({"purges":{"floor":0,"kept":[{"seq":3,"purge":{"mode":"hard",)"), 0U);
}

TEST(KeyMemory, RemembersTheNewest) {
  KeyMemory keys;
  const std::uint64_t count = KeyMemory::kOld * (KeyMemory::kMostOld + 1);
  for (std::uint64_t i = 1; i <= count; ++i) keys.add(std::to_string(i), {i, i});
  // The oldest have just gone.
  EXPECT_EQ(keys.find(std::to_string(KeyMemory::kOld)), std::nullopt);
  const std::uint64_t oldest = KeyMemory::kOld + 1;
  EXPECT_EQ(keys.find(std::to_string(oldest)), (KeyUse{oldest, oldest}));
  EXPECT_GE(keys.size(), 98'000U);
  keys.add(std::to_string(oldest), {1, 1});
  EXPECT_EQ(keys.find(std::to_string(oldest)), (KeyUse{oldest, oldest}));
  KeyMemory again;
  for (const auto& [key, use] : keys.all()) again.add(key, use);
  for (std::uint64_t i = count + 1; i < count + 600; ++i) {
    keys.add(std::to_string(i), {i, i});
    again.add(std::to_string(i), {i, i});
  }
  EXPECT_EQ(again.all(), keys.all());
  KeyMemory copy = keys;
  copy.add("more", {1, 1});
  EXPECT_TRUE(copy.find("more"));
  EXPECT_FALSE(keys.find("more"));
}

TEST(Token, OnlyItsTextOpensIt) {
  const NewToken made = make_token("ops", Role::kOperator, {});
  EXPECT_EQ(token_id(made.text), made.token.id);
  EXPECT_TRUE(is_text_of(made.token, made.text));
  EXPECT_EQ(serialize(made.token).find(made.text.substr(20)), std::string::npos);
  std::string other = made.text;
  other.back() = other.back() == '0' ? '1' : '0';
  EXPECT_FALSE(is_text_of(made.token, other));
  EXPECT_EQ(token_id(other), made.token.id);
  for (const std::string_view none : {"", "mer_", "Bearer", "mer_0123456789abcdef"})
    EXPECT_EQ(token_id(none), "");
  EXPECT_EQ(token_id("mer_" + std::string(64, 'G')), "");
  EXPECT_NE(make_token("a", Role::kAdmin, {}).text, make_token("a", Role::kAdmin, {}).text);
}

}  // namespace
}  // namespace meridian::control
