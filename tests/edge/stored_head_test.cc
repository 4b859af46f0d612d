#include "edge/stored_head.h"

#include <gtest/gtest.h>

#include <string>

#include "edge/stored_object.h"

namespace meridian::edge {
namespace {

constexpr std::int64_t kNow = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT
const std::string kDate = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
const std::string kVia = "Via: 1.1 meridian\r\n";

struct StoredHeadTest : testing::Test {
  // Packs and stores the head; what was left of it is `packed`.
  std::string round_trip(const std::string& head) {
    packed = pack_head(head, own, "meridian", meta);
    const Ref<Object> object = Object::make("http://h/", meta, packed, {});
    std::string buffer;
    return std::string(whole_head(*object, "meridian", buffer));
  }
  StoredHeadTest() { meta.response_time_s = kNow; }
  ObjectMeta meta;
  std::string packed;
  std::string own;
};

TEST_F(StoredHeadTest, DateAndOwnViaAreLeftOutAndComeBack) {
  const std::string head = kDate + "ETag: \"x\"\r\nAge-Not: 1\r\n" + kVia;
  EXPECT_EQ(round_trip(head), head);
  EXPECT_EQ(packed, "ETag: \"x\"\r\nAge-Not: 1\r\n");
}

TEST_F(StoredHeadTest, DateComesFirstWhereverItStood) {
  EXPECT_EQ(round_trip("Server: a\r\n" + kDate + "ETag: \"x\"\r\n"), kDate + "Server: a\r\nETag: \"x\"\r\n");
  EXPECT_EQ(packed, "Server: a\r\nETag: \"x\"\r\n");
}

TEST_F(StoredHeadTest, ADateSomeSecondsBackIsKeptToTheSecond) {
  for (int back = 0; back <= 6; ++back) {
    meta.response_time_s = kNow + back;
    EXPECT_EQ(round_trip(kDate + "A: b\r\n"), kDate + "A: b\r\n") << back;
    EXPECT_EQ(packed, "A: b\r\n") << back;
  }
}

TEST_F(StoredHeadTest, ADateFarOffOrAheadStaysInTheText) {
  for (const std::int64_t response_time_s : {kNow - 1, kNow + 7, kNow + 86400}) {
    meta.response_time_s = response_time_s;
    EXPECT_EQ(round_trip("A: b\r\n" + kDate), "A: b\r\n" + kDate);
    EXPECT_EQ(packed, "A: b\r\n" + kDate);
  }
}

TEST_F(StoredHeadTest, OtherDatesAreLeftAlone) {
  for (const std::string& head : {
           std::string("Date: Sunday, 06-Nov-94 08:49:37 GMT\r\n"),  // an obsolete form
           "X-" + kDate,                                             // the end of another name
           kDate + "A: b\r\n" + kDate,                               // twice
           "X-Date: never\r\n" + kDate,                              // not told apart cheaply, so kept
           std::string("A: b\r\n"),                                  // none
       }) {
    EXPECT_EQ(round_trip(head), head);
    EXPECT_EQ(packed, head);
  }
}

TEST_F(StoredHeadTest, OnlyOurViaAtTheEndIsLeftOut) {
  for (const std::string& head : {
           std::string("Via: 1.0 first, 1.1 meridian\r\n"),
           std::string("Via: 1.1 other\r\n"),
           std::string("Via: 1.0 meridian\r\n"),
           std::string("X-") + kVia,
           kVia + "A: b\r\n",
       }) {
    EXPECT_EQ(round_trip(head), head);
    EXPECT_EQ(packed, head);
  }
  EXPECT_EQ(round_trip(kVia), kVia);
  EXPECT_EQ(packed, "");
}

TEST_F(StoredHeadTest, OtherFlagsAreKeptAndOldNotesForgotten) {
  meta.flags = std::uint16_t{http::kStoredMustRevalidate} | std::uint16_t{kObjectDateMask} |
               std::uint16_t{kObjectOwnVia};
  EXPECT_EQ(round_trip("A: b\r\n"), "A: b\r\n");
  EXPECT_EQ(meta.flags, http::kStoredMustRevalidate);
}

TEST_F(StoredHeadTest, OwnLinesAreKeptAndNotShown) {
  http::FieldList fields;
  http::parse_block("A: b\r\nMeridian-Cache-Control: max-age=1\r\nmeridian-cache-control: foo\r\n", fields);
  append_own_lines(fields, own);
  ASSERT_FALSE(own.empty());
  for (const std::string& head : {kDate + "A: b\r\n" + kVia, std::string("A: b\r\n"), std::string()}) {
    EXPECT_EQ(round_trip(head), head);
    const Ref<Object> object = Object::make("http://h/", meta, packed, {});
    EXPECT_EQ(own_lines(*object), own);
  }
  own.assign(70'000, 'x');  // more than a head of an origin may have: not kept, and nothing else is lost
  EXPECT_EQ(round_trip("A: b\r\n"), "A: b\r\n");
  own.clear();
  EXPECT_EQ(round_trip("A: b\r\n"), "A: b\r\n");
  EXPECT_EQ(own_lines(*Object::make("http://h/", meta, packed, {})), "");
}

}  // namespace
}  // namespace meridian::edge
