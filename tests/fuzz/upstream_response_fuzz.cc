#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/check.h"
#include "lib/net/memory_stream.h"
#include "origin/upstream/connection.h"

// What an origin may send, byte by byte as it likes: an exchange ends exactly once, and a response that is
// whole when it comes in one piece is the same response in any pieces. The first byte of the input chooses
// the request and the pieces.
namespace {

using namespace meridian;
using namespace meridian::upstream;

// Counts the ends and keeps what came.
class User final : public ExchangeUser {
 public:
  void on_informational(const http::ResponseHead& head) override {
    CHECK(ends == 0 && !headed && head.status >= 102 && head.status <= 199);
  }
  void on_head(const http::ResponseHead& head, std::optional<std::uint64_t> length, bool no_body) override {
    CHECK(ends == 0 && !headed && head.status >= 200);
    headed = true;
    announced = length;
    empty = no_body;
    text += std::to_string(head.status) + "\n";
  }
  void on_body(Slice bytes) override {
    CHECK(ends == 0 && headed && !empty && bytes.size > 0);
    body_bytes += bytes.size;
    text += bytes.view();
  }
  void on_complete(const http::FieldList& trailers, bool) override {
    CHECK(++ends == 1 && headed && (!announced || empty || *announced == body_bytes));
    complete = true;
    for (const http::Field& field : trailers) text.append("\n").append(field.name).append(field.value);
  }
  void on_failed(ExchangeFailure failure) override {
    CHECK(++ends == 1 && failure.error.source == ErrorSource::kOrigin && !failure.error.context.empty());
  }
  void on_switched(const http::ResponseHead& head, Slice) override {
    CHECK(++ends == 1 && !headed && head.status == 101);
  }
  void on_request_progress() override {}

  int ends = 0;
  bool headed = false;
  bool empty = false;
  bool complete = false;
  std::optional<std::uint64_t> announced;
  std::uint64_t body_bytes = 0;
  std::string text;
};

void write_all(EventLoop& loop, Stream& stream, std::string_view bytes) {
  while (!bytes.empty()) {
    const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    const IoResult result = stream.write(&part, 1);
    if (result.kind == IoResult::Kind::kError) return;
    if (result.kind == IoResult::Kind::kWouldBlock) return;  // the exchange is over and nobody reads
    bytes.remove_prefix(result.bytes);
    loop.run_once();
  }
}

User exchange(std::string_view response, std::uint8_t choice, std::size_t piece) {
  ManualClock clock;
  const std::unique_ptr<EventLoop> loop = EventLoop::create(clock).value();
  auto [ours, theirs] = memory_stream_pair(*loop);
  http::RequestHead head;
  head.method = (choice & 1U) != 0 ? http::Method::kHead : http::Method::kGet;
  head.method_name = (choice & 1U) != 0 ? "HEAD" : "GET";
  head.path = "/";
  Request request;
  request.head = &head;
  Outgoing outgoing(request, {});
  ReadBlocks blocks;
  User user;
  const http::HeadLimits limits{.line_bytes = 512, .header_bytes = 2048, .header_count = 16};
  Connection connection(*loop, blocks, std::move(ours), limits);
  connection.begin({.user = &user,
                    .request = &outgoing,
                    .to_head = (choice & 1U) != 0,
                    .upgrade = (choice & 2U) != 0,
                    .timeouts = {1000, 1000}});
  for (std::size_t at = 0; at < response.size() && user.ends == 0; at += piece) {
    write_all(*loop, *theirs, response.substr(at, piece));
  }
  theirs->shutdown_write();
  for (int i = 0; i < 4; ++i) loop->run_once();
  CHECK(user.ends == 1);
  return user;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t choice = data[0];
  const std::string_view response(reinterpret_cast<const char*>(data) + 1, size - 1);
  const User whole = exchange(response, choice, std::max<std::size_t>(response.size(), 1));
  const User pieces = exchange(response, choice, std::size_t{choice} / 8 + 1);
  CHECK(!whole.complete || (pieces.complete && pieces.text == whole.text));
  return 0;
}
