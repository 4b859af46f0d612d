#include "lib/http/message.h"

#include <gtest/gtest.h>

#include <string>

#include "lib/http/bad_message.h"
#include "lib/http/http1.h"

namespace meridian::http {
namespace {

TEST(FieldId, KnowsEveryNameInAnyCase) {
  for (int i = 0; i < static_cast<int>(FieldId::kOther); ++i) {
    const auto id = static_cast<FieldId>(i);
    std::string name(field_name(id));
    EXPECT_EQ(field_id(name), id);
    for (char& c : name) c = static_cast<char>(std::tolower(c));
    EXPECT_EQ(field_id(name), id);
    for (char& c : name) c = static_cast<char>(std::toupper(c));
    EXPECT_EQ(field_id(name), id);
    // One letter wrong anywhere, or one more, is another name.
    for (std::size_t at = 0; at < name.size(); ++at) {
      std::string other = name;
      other[at] = '_';
      EXPECT_EQ(field_id(other), FieldId::kOther) << other;
      other[at] = static_cast<char>(name[at] ^ 0x20);
      EXPECT_EQ(field_id(other), name[at] == '-' ? FieldId::kOther : id) << other;
    }
    EXPECT_NE(field_id(name + "x"), id);
    EXPECT_NE(field_id(name.substr(1)), id);
  }
  EXPECT_EQ(field_id(""), FieldId::kOther);
  EXPECT_EQ(field_id("x"), FieldId::kOther);
  EXPECT_EQ(field_id(std::string(300, 'x')), FieldId::kOther);
  EXPECT_EQ(field_name(FieldId::kOther), "");
}

TEST(FieldList, FindsCombinesAndRemoves) {
  FieldList list;
  list.add("Vary", "a");
  list.add("X-One", "1");
  list.add("vary", "b");
  list.add("x-one", "2");
  list.add("X-Two", "3");
  EXPECT_EQ(list.count(FieldId::kVary), 2U);
  EXPECT_EQ(list.value(FieldId::kVary), "a");
  std::string scratch;
  EXPECT_EQ(list.combined(FieldId::kVary, scratch), "a, b");
  EXPECT_EQ(list.combined("X-ONE", scratch), "1, 2");
  EXPECT_EQ(list.combined("x-two", scratch), "3");
  EXPECT_EQ(list.combined("none", scratch), "");
  EXPECT_EQ(list.find("none"), nullptr);
  list.remove("X-one");
  EXPECT_EQ(list.size(), 3U);
  EXPECT_TRUE(list.has(FieldId::kOther));
  list.remove("VARY");
  EXPECT_FALSE(list.has(FieldId::kVary));
  list.remove("x-two");
  EXPECT_FALSE(list.has(FieldId::kOther));
  EXPECT_TRUE(list.empty());
}

// RFC 9110 sections 9.1 and 9.2.
TEST(Method, NamesAndProperties) {
  EXPECT_EQ(method_of("GET"), Method::kGet);
  EXPECT_EQ(method_of("get"), Method::kOther);
  EXPECT_EQ(method_of("PURGE"), Method::kPurge);
  EXPECT_TRUE(is_safe(Method::kTrace));
  EXPECT_FALSE(is_safe(Method::kOther));
  EXPECT_TRUE(is_idempotent(Method::kDelete));
  EXPECT_FALSE(is_idempotent(Method::kPost));
  EXPECT_FALSE(is_idempotent(Method::kPatch));
}

TEST(OwnedHead, HoldsItsOwnBytes) {
  auto bytes = std::make_unique<std::string>("GET /x HTTP/1.1\r\nHost: a\r\nx-y: z\r\naccept: q\r\n\r\n");
  RequestHead head;
  ASSERT_EQ(parse_request_head(*bytes, {}, head).state, ParseState::kDone);
  const OwnedRequest owned(head);
  bytes->assign(bytes->size(), '#');
  bytes.reset();
  EXPECT_EQ(owned.head().method_name, "GET");
  EXPECT_EQ(owned.head().path, "/x");
  EXPECT_EQ(owned.head().authority, "a");
  EXPECT_EQ(owned.head().fields.find("X-Y")->name, "x-y");
  EXPECT_EQ(owned.head().fields.find("Accept")->name, "accept");
  EXPECT_EQ(owned.head().fields.value(FieldId::kAccept), "q");
}

TEST(Block, AppendsAndParses) {
  std::string block;
  append_field(block, "Content-Type", "text/plain");
  append_field(block, "X-Empty", "");
  append_field(block, "X-Colon", "a:b");
  EXPECT_EQ(block, "Content-Type: text/plain\r\nX-Empty: \r\nX-Colon: a:b\r\n");
  FieldList list;
  parse_block(block, list);
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list.value(FieldId::kContentType), "text/plain");
  EXPECT_EQ(list.find("x-empty")->value, "");
  EXPECT_EQ(list.find("x-colon")->value, "a:b");
}

// RFC 9110 section 5.6.1.
TEST(Lists, MembersAreTrimmedAndQuotedStringsKeptWhole) {
  std::vector<std::string_view> members;
  for_each_member(", a ,,\t\"b, \\\" c\" ,d", [&](std::string_view member) {
    members.push_back(member);
    return true;
  });
  EXPECT_EQ(members, (std::vector<std::string_view>{"a", "\"b, \\\" c\"", "d"}));
  EXPECT_TRUE(list_has("a, Upgrade", "upgrade"));
  EXPECT_FALSE(list_has("a, Upgrades", "upgrade"));
}

TEST(Grammar, TokensAndValues) {
  EXPECT_TRUE(is_token("a!#$%&'*+-.^_`|~9Z"));
  EXPECT_FALSE(is_token(""));
  EXPECT_FALSE(is_token("a b"));
  EXPECT_FALSE(is_token("a:"));
  EXPECT_TRUE(is_field_value(""));
  EXPECT_TRUE(is_field_value("a \t\xff b"));
  EXPECT_FALSE(is_field_value(" a"));
  EXPECT_FALSE(is_field_value("a\t"));
  EXPECT_FALSE(is_field_value("a\r\nb"));
  EXPECT_FALSE(is_field_value(std::string_view("a\0b", 3)));
}

TEST(BadMessage, EveryReasonHasItsOwnTokenAndAnErrorStatus) {
  for (std::size_t i = 0; i < kBadMessageCount; ++i) {
    const auto reason = static_cast<BadMessage>(i);
    EXPECT_TRUE(is_token(token_of(reason)));
    EXPECT_GE(status_of(reason), 400);
    EXPECT_FALSE(explanation_of(reason).empty());
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(token_of(static_cast<BadMessage>(j)), token_of(reason));
  }
}

}  // namespace
}  // namespace meridian::http
