#include "origin/server/answer.h"

#include <gtest/gtest.h>

namespace meridian::origin {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;
constexpr const char* kModified = "Tue, 14 Nov 2023 10:00:00 GMT";

class AnswerTest : public ::testing::Test {
 protected:
  Answer get(std::vector<std::pair<std::string, std::string>> fields,
             http::Method method = http::Method::kGet) {
    http::RequestHead request;
    request.method = method;
    for (const auto& [name, value] : fields) request.fields.add(name, value);
    Representation representation;
    representation.etag = "\"v1\"";
    representation.last_modified = kModified;
    representation.content_type = "text/plain";
    representation.headers.set("Cache-Control", "max-age=60");
    representation.headers.set("Vary", "Accept-Encoding");
    representation.headers.set("Content-Encoding", "br");
    representation.content = std::make_unique<MemoryContent>("0123456789");
    return select_answer(request, std::move(representation), kNow, "BOUNDARY");
  }
  static std::string body(Answer& answer) {
    std::string bytes;
    for (bool more = answer.body != nullptr; more;) {
      answer.body->next([&](Result<Slice> piece) {
        more = piece->size > 0;
        bytes += piece->view();
      });
    }
    return bytes;
  }
};

TEST_F(AnswerTest, GivesTheWhole) {
  Answer answer = get({});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.length, 10U);
  EXPECT_EQ(body(answer), "0123456789");
  EXPECT_EQ(answer.headers.value("ETag"), "\"v1\"");
  EXPECT_EQ(answer.headers.value("Last-Modified"), kModified);
  EXPECT_EQ(answer.headers.value("Accept-Ranges"), "bytes");
  EXPECT_EQ(answer.headers.value("Content-Type"), "text/plain");
}

// RFC 9110 section 15.4.5: what guides caching stays, what describes the missing body does not.
TEST_F(AnswerTest, NotModifiedKeepsWhatCachesNeed) {
  const Answer answer = get({{"If-None-Match", "W/\"v1\""}});
  EXPECT_EQ(answer.status, 304);
  EXPECT_EQ(answer.body, nullptr);
  EXPECT_EQ(answer.headers.value("ETag"), "\"v1\"");
  EXPECT_EQ(answer.headers.value("Cache-Control"), "max-age=60");
  EXPECT_EQ(answer.headers.value("Vary"), "Accept-Encoding");
  EXPECT_FALSE(answer.headers.has("Content-Type"));
  EXPECT_FALSE(answer.headers.has("Content-Encoding"));
}

// RFC 9110 section 13.2.2: the order of preconditions.
TEST_F(AnswerTest, Preconditions) {
  struct Case {
    std::vector<std::pair<std::string, std::string>> fields;
    int status;
  };
  const Case cases[] = {
      {{{"If-None-Match", "\"v2\""}}, 200},
      {{{"If-None-Match", "*"}}, 304},
      {{{"If-Modified-Since", kModified}}, 304},
      {{{"If-Modified-Since", "Tue, 14 Nov 2023 09:59:59 GMT"}}, 200},
      {{{"If-None-Match", "\"v2\""}, {"If-Modified-Since", kModified}}, 200},
      {{{"If-Match", "\"v1\""}}, 200},
      {{{"If-Match", "W/\"v1\""}}, 412},
      {{{"If-Match", "\"v2\""}}, 412},
      {{{"If-Match", "*"}}, 200},
      {{{"If-Unmodified-Since", "Tue, 14 Nov 2023 09:59:59 GMT"}}, 412},
      {{{"If-Unmodified-Since", kModified}}, 200},
      {{{"If-Match", "\"v1\""}, {"If-Unmodified-Since", "Tue, 14 Nov 2023 09:59:59 GMT"}}, 200},
      {{{"If-Match", "\"v1\""}, {"If-None-Match", "\"v1\""}}, 304},
  };
  for (const Case& c : cases)
    EXPECT_EQ(get(c.fields).status, c.status) << c.fields[0].first << c.fields[0].second;
}

TEST_F(AnswerTest, SingleRange) {
  Answer answer = get({{"Range", "bytes=2-4"}});
  EXPECT_EQ(answer.status, 206);
  EXPECT_EQ(answer.headers.value("Content-Range"), "bytes 2-4/10");
  EXPECT_EQ(answer.length, 3U);
  EXPECT_EQ(body(answer), "234");
  Answer suffix = get({{"Range", "bytes=-3"}});
  EXPECT_EQ(body(suffix), "789");
}

TEST_F(AnswerTest, SeveralRanges) {
  Answer answer = get({{"Range", "bytes=0-1,5-6"}});
  EXPECT_EQ(answer.status, 206);
  EXPECT_EQ(answer.headers.value("Content-Type"), "multipart/byteranges; boundary=BOUNDARY");
  EXPECT_FALSE(answer.headers.has("Content-Range"));
  const std::string bytes = body(answer);
  EXPECT_EQ(answer.length, bytes.size());
  EXPECT_NE(bytes.find("Content-Range: bytes 0-1/10\r\n\r\n01"), std::string::npos) << bytes;
  EXPECT_NE(bytes.find("Content-Range: bytes 5-6/10\r\n\r\n56"), std::string::npos) << bytes;
}

TEST_F(AnswerTest, RangesThatDoNotHold) {
  const Answer beyond = get({{"Range", "bytes=10-"}});
  EXPECT_EQ(beyond.status, 416);
  EXPECT_EQ(beyond.headers.value("Content-Range"), "bytes */10");
  EXPECT_EQ(get({{"Range", "lines=1-2"}}).status, 200);
  EXPECT_EQ(get({{"Range", "bytes=5-2"}}).status, 200);
  EXPECT_EQ(get({{"Range", "bytes=0-1"}}, http::Method::kHead).status, 200);
  EXPECT_EQ(get({{"Range", "bytes=0-1"}, {"If-Range", "\"v1\""}}).status, 206);
  EXPECT_EQ(get({{"Range", "bytes=0-1"}, {"If-Range", "\"v2\""}}).status, 200);
  EXPECT_EQ(get({{"Range", "bytes=0-1"}, {"If-Range", kModified}}).status, 206);
  // A precondition that fails wins over the range (RFC 9110 section 13.2.2).
  EXPECT_EQ(get({{"Range", "bytes=0-1"}, {"If-None-Match", "\"v1\""}}).status, 304);
}

TEST_F(AnswerTest, NamesTheMethodsThatWouldDo) {
  const Answer refused = method_answer(http::Method::kPost, "GET, HEAD");
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.headers.value("Allow"), "GET, HEAD");
  EXPECT_EQ(method_answer(http::Method::kOther, "GET").status, 501);
}

}  // namespace
}  // namespace meridian::origin
