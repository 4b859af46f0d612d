#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/http/message.h"
#include "lib/net/event_loop.h"
#include "origin/server/answer.h"
#include "origin/server/target_path.h"

// Resources made on demand, for tests, benches and demos (docs/origin.md):
//
//   /_bytes/N      N bytes of the oracle      ?seed= &version= &etag= &last-modified=
//   /_echo         the request as JSON, and the size and digest of its body; every method
//   /_status/N     status N; every method
//   /_sse          an event stream            ?interval= (ms) &count= (0: no end)
//   /_chunked/N    N oracle bytes in chunks   ?piece= (bytes) &interval= (ms) &trailer=Name:value
//
// All take ?delay= (ms before the head), ?hint= (a Link for a 103 before it), and every other parameter as a
// header field of the response: ?cache-control=max-age%3D60. An empty value removes the field.
namespace meridian::origin {

// The request body as /_echo reports it.
struct BodyDigest {
  std::uint64_t bytes = 0;
  std::uint64_t fnv1a64 = 0xcbf29ce484222325ULL;
  void add(std::string_view piece);
};

struct GeneratedRequest {
  const http::RequestHead& head;
  std::string_view peer;
  const BodyDigest& body;
  EventLoop& loop;
  std::uint64_t content_version;  // stands in for ?version=
  std::string_view boundary;      // for multipart/byteranges
};

// The largest /_bytes and /_chunked: an exbibyte would only find overflows in others.
inline constexpr std::uint64_t kMaxGeneratedBytes = std::uint64_t{1} << 42;

// True for paths that begin with "/_" and name one of the resources above.
bool is_generated(std::string_view path);
// True when the answer needs the whole request body first.
bool reads_body(std::string_view path);
// Answers; a mistake in the path or query is a 400 or 404 that says what is wrong.
Answer answer_generated(const GeneratedRequest& request);

}  // namespace meridian::origin
