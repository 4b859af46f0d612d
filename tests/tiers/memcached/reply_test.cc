#include "edge/tiers/memcached/reply.h"

#include <gtest/gtest.h>

namespace meridian::memcached {
namespace {

// What the reader says of `bytes` when they come in pieces of `step`.
std::string said(std::string_view bytes, std::size_t step, std::size_t max_value = 100) {
  ReplyReader reader(max_value);
  std::string all;
  const auto drain = [&] {
    for (;;) {
      const Reply reply = reader.next();
      using Kind = Reply::Kind;
      switch (reply.kind) {
        case Kind::kMore:
          return true;
        case Kind::kValue:
          all += "[" + std::string(reply.name) + "=" + std::string(reply.value.view()) + "]";
          break;
        case Kind::kTooLarge:
          all += "[" + std::string(reply.name) + " too large]";
          break;
        case Kind::kStat:
          all += "[" + std::string(reply.name) + ":" + std::to_string(reply.number) + "]";
          break;
        case Kind::kEnd:
          all += "[end]";
          break;
        case Kind::kStored:
          all += "[stored]";
          break;
        case Kind::kNotStored:
          all += "[not stored]";
          break;
        case Kind::kDeleted:
          all += "[deleted]";
          break;
        case Kind::kNotFound:
          all += "[not found]";
          break;
        case Kind::kServerError:
          all += "[server error]";
          break;
        case Kind::kBroken:
          all += "[broken]";
          return false;
      }
    }
  };
  while (!bytes.empty()) {
    const std::span<char> room = reader.room();
    EXPECT_FALSE(room.empty());
    const std::size_t now = bytes.copy(room.data(), std::min(step, room.size()));
    reader.commit(now);
    bytes.remove_prefix(now);
    if (!drain()) break;
  }
  return all;
}

struct Case {
  std::string bytes;
  std::string_view expected;
};
TEST(MemcachedReply, EveryAnswerInPiecesOfEverySize) {
  const Case cases[] = {
      {"END\r\n", "[end]"},
      {"STORED\r\nDELETED\r\nNOT_FOUND\r\nNOT_STORED\r\n", "[stored][deleted][not found][not stored]"},
      {"VALUE k 0 3\r\nabc\r\nEND\r\n", "[k=abc][end]"},
      {"VALUE k 0 0\r\n\r\nEND\r\n", "[k=][end]"},
      {"VALUE k 7 4\r\n\r\n\r\n\r\nEND\r\nEND\r\n", "[k=\r\n\r\n][end][end]"},
      {"VALUE k 0 100\r\n" + std::string(100, 'x') + "\r\nEND\r\n",
       "[k="
       "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx]"
       "[end]"},
      {"VALUE k 0 101\r\n" + std::string(101, 'x') + "\r\nEND\r\n", "[k too large][end]"},
      {"VALUE k 0 20000\r\n" + std::string(20'000, '\n') + "\r\nEND\r\n", "[k too large][end]"},
      {"STAT bytes 12\r\nSTAT version 1.6.18\r\nSTAT\r\nEND\r\n", "[bytes:12][version:0][:0][end]"},
      {"SERVER_ERROR out of memory storing object\r\nEND\r\n", "[server error][end]"},
      {"ERROR\r\n", "[broken]"},
      {"CLIENT_ERROR bad data chunk\r\n", "[broken]"},
      {"\r\n", "[broken]"},
      {"\n", "[broken]"},
      {"END\n", "[broken]"},
      {"ENDS\r\n", "[broken]"},
      {"VERSION\r\n", "[broken]"},
      {"HTTP/1.1 400 Bad Request\r\n", "[broken]"},
      {"VALUE\r\n", "[broken]"},
      {"VALUE k\r\n", "[broken]"},
      {"VALUE k 0\r\n", "[broken]"},
      {"VALUE  0 1\r\nx\r\n", "[broken]"},
      {"VALUE k 0 -1\r\nx\r\n", "[broken]"},
      {"VALUE k 0 1x\r\nx\r\n", "[broken]"},
      {"VALUE k 0 1 5\r\nx\r\n", "[broken]"},
      {"VALUE k -1 1\r\nx\r\n", "[broken]"},
      {"VALUE k 0 3\r\nabcdEND\r\n", "[broken]"},
      {"VALUE k 0 18446744073709551615\r\nx\r\nEND\r\n", "[broken]"},
      {"VALUE k 0 18446744073709551614\r\nx\r\nEND\r\n", "[broken]"},
      {"VALUE k 0 99999999999999999999999\r\nx\r\nEND\r\n", "[broken]"},
      {"VALUE k 0 3000000000\r\nx\r\nEND\r\n", "[broken]"},
      {"VALUE k 0 1000000000\r\nx\r\nEND\r\n", ""},  // skipped, for as long as its connection lives
      {"VALUE " + std::string(330, 'k') + " 0 1\r\nx\r\n", "[broken]"},
      {std::string(2000, 'E'), "[broken]"},
  };
  for (const Case& c : cases) {
    for (const std::size_t step :
         {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, std::size_t{100'000}}) {
      EXPECT_EQ(said(c.bytes, step), c.expected) << c.bytes.substr(0, 60) << " by " << step;
    }
  }
}

TEST(MemcachedReply, AnAnnouncedLengthTakesNoMemory) {
  ReplyReader reader(100);
  const std::string_view line = "VALUE k 0 1000000000\r\n";
  reader.commit(line.copy(reader.room().data(), line.size()));
  EXPECT_EQ(reader.next().kind, Reply::Kind::kMore);
  EXPECT_LE(reader.room().size(), ReplyReader::kBufferBytes);
}

TEST(MemcachedReply, ALargeValueIsReadWhereItStays) {
  const std::string body(1U << 20U, 'b');
  EXPECT_EQ(said("VALUE k 0 1048576\r\n" + body + "\r\nEND\r\n", 5000, 1U << 20U), "[k=" + body + "][end]");
}

}  // namespace
}  // namespace meridian::memcached
