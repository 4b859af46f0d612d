#include "origin/server/generated.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "origin/server/oracle.h"

namespace meridian::origin {
namespace {

class GeneratedTest : public ::testing::Test {
 protected:
  GeneratedTest() : loop_(*EventLoop::create()) {}

  Answer ask(const std::string& target, std::vector<std::pair<std::string, std::string>> fields = {},
             const std::string& method = "GET") {
    target_ = target;
    method_ = method;
    fields_ = std::move(fields);
    http::RequestHead request;
    request.method = http::method_of(method_);
    request.method_name = method_;
    request.path = target_;
    for (const auto& [name, value] : fields_) request.fields.add(name, value);
    return answer_generated({request, "192.0.2.1:9", body_, *loop_, version_, "B"});
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
  std::string refusal(const std::string& target) {
    Answer answer = ask(target);
    EXPECT_EQ(answer.status, 400) << target;
    return body(answer);
  }

  std::unique_ptr<EventLoop> loop_;
  std::string target_, method_;
  std::vector<std::pair<std::string, std::string>> fields_;
  BodyDigest body_;
  std::uint64_t version_ = 0;
};

TEST_F(GeneratedTest, KnowsItsNames) {
  for (const char* path :
       {"/_bytes/1", "/_echo", "/_echo?x", "/_status/200", "/_sse", "/_chunked/9", "/_bytes"}) {
    EXPECT_TRUE(is_generated(path)) << path;
  }
  for (const char* path : {"/", "/_", "/_bytesx", "/a/_bytes/1", "/_other"})
    EXPECT_FALSE(is_generated(path)) << path;
}

TEST_F(GeneratedTest, BytesAreTheOracles) {
  Answer answer = ask("/_bytes/100?seed=7&version=3");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.length, 100U);
  EXPECT_TRUE(oracle_matches(oracle_key({"/_bytes/100", 7, 3}), 0, body(answer)));
}

TEST_F(GeneratedTest, BytesFollowTheContentVersion) {
  Answer old = ask("/_bytes/100");
  version_ = 5;
  Answer now = ask("/_bytes/100");
  EXPECT_NE(old.headers.value("ETag"), now.headers.value("ETag"));
  EXPECT_TRUE(oracle_matches(oracle_key({"/_bytes/100", 0, 5}), 0, body(now)));
  EXPECT_EQ(ask("/_bytes/100", {{"If-None-Match", std::string(now.headers.value("ETag"))}}).status, 304);
}

TEST_F(GeneratedTest, BytesDifferByWhatTheyVaryOn) {
  Answer en = ask("/_bytes/9?vary=accept-language", {{"Accept-Language", "en"}});
  Answer de = ask("/_bytes/9?vary=accept-language", {{"Accept-Language", "de"}});
  EXPECT_EQ(en.headers.value("Vary"), "accept-language");
  EXPECT_NE(en.headers.value("ETag"), de.headers.value("ETag"));
  EXPECT_TRUE(oracle_matches(oracle_key({"/_bytes/9\naccept-language:de", 0, 0}), 0, body(de)));
}

TEST_F(GeneratedTest, TheQuerySetsFields) {
  const Answer answer = ask("/_bytes/1?cache-control=max-age%3D60&x-a=1&x-a=2&etag=%22q%22&date=");
  EXPECT_EQ(answer.headers.value("cache-control"), "max-age=60");
  EXPECT_EQ(answer.headers.value("ETag"), "\"q\"");
  std::string block = answer.headers.block();
  EXPECT_NE(block.find("x-a: 1\r\nx-a: 2\r\n"), std::string::npos) << block;
  EXPECT_FALSE(ask("/_bytes/1?etag=").headers.has("ETag"));
}

TEST_F(GeneratedTest, SaysWhatIsWrong) {
  EXPECT_EQ(refusal("/_bytes/1?seed=x"), "seed: 'x' is not a number from 0 to 18446744073709551615\n");
  EXPECT_EQ(refusal("/_bytes/1?content-length=5"),
            "'content-length' is no field that a response may be given\n");
  EXPECT_EQ(refusal("/_bytes/1?Transfer-Encoding=chunked"),
            "'Transfer-Encoding' is no field that a response may be given\n");
  EXPECT_EQ(refusal("/_bytes/1?x=a%0d%0ab"), "x: the value is not a field value\n");
  EXPECT_EQ(refusal("/_bytes/1?etag=a%0d%0ab"), "a validator is not a field value\n");
  EXPECT_EQ(refusal("/_bytes/1?a%20b=1"), "'a b' is no field that a response may be given\n");
  EXPECT_EQ(refusal("/_bytes/1?x=%"), "The query is not percent-encoded rightly.\n");
  EXPECT_EQ(refusal("/_sse?interval=0"), "interval: 0 needs a count\n");
  for (const char* target : {"/_bytes/", "/_bytes/x", "/_bytes/99999999999999999999", "/_bytes/-1",
                             "/_status/99", "/_status/600", "/_chunked/"}) {
    EXPECT_EQ(ask(target).status, 404) << target;
  }
}

TEST_F(GeneratedTest, Statuses) {
  Answer teapot = ask("/_status/418?retry-after=3", {}, "POST");
  EXPECT_EQ(teapot.status, 418);
  EXPECT_EQ(teapot.headers.value("retry-after"), "3");
  const Answer nothing = ask("/_status/204");
  EXPECT_EQ(nothing.body, nullptr);
  EXPECT_FALSE(nothing.length.has_value());
}

TEST_F(GeneratedTest, EchoShowsTheRequest) {
  body_.add("hel");
  body_.add("lo");
  Answer answer = ask("/_echo?a=b", {{"X-One", "1"}, {"X-One", "\xff"}}, "POST");
  const auto json = nlohmann::json::parse(body(answer));
  EXPECT_EQ(json["method"], "POST");
  EXPECT_EQ(json["target"], "/_echo?a=b");
  EXPECT_EQ(json["headers"][0], nlohmann::json::array({"X-One", "1"}));
  EXPECT_EQ(json["headers"].size(), 2U);
  EXPECT_EQ(json["body_bytes"], 5);
  EXPECT_EQ(json["body_fnv1a64"], "a430d84680aabd0b");
  EXPECT_EQ(answer.headers.value("Cache-Control"), "no-store");
}

TEST_F(GeneratedTest, ChunkedHasNoLengthAndMayHaveTrailers) {
  Answer answer = ask("/_chunked/10?piece=4&trailer=X-Check:%20ok");
  EXPECT_FALSE(answer.length.has_value());
  EXPECT_EQ(answer.headers.value("Trailer"), "X-Check");
  EXPECT_EQ(answer.trailer_block, "X-Check: ok\r\n");
  EXPECT_TRUE(oracle_matches(oracle_key({"/_chunked/10", 0, 0}), 0, body(answer)));
}

TEST_F(GeneratedTest, EventStreams) {
  Answer answer = ask("/_sse?interval=0&count=2");
  const std::string events = body(answer);
  EXPECT_EQ(events.find("id: 0\ndata: {\"number\":0,"), 0U) << events;
  EXPECT_NE(events.find("\n\nid: 1\n"), std::string::npos) << events;
  EXPECT_EQ(answer.headers.value("Content-Type"), "text/event-stream; charset=utf-8");
}

TEST_F(GeneratedTest, HintsAndDelays) {
  const Answer answer = ask("/_bytes/1?delay=250&hint=%3C/a.css%3E;%20rel=preload");
  EXPECT_EQ(answer.delay_ms, 250);
  ASSERT_EQ(answer.early_hints.size(), 1U);
  EXPECT_EQ(answer.early_hints[0], "Link: </a.css>; rel=preload\r\n");
}

TEST_F(GeneratedTest, MethodsThatDoNotFit) {
  EXPECT_EQ(ask("/_bytes/1", {}, "POST").status, 405);
  EXPECT_EQ(ask("/_chunked/1", {}, "BREW").status, 501);
  EXPECT_EQ(ask("/_sse", {}, "DELETE").status, 405);
}

}  // namespace
}  // namespace meridian::origin
