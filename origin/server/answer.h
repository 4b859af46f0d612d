#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/http/message.h"
#include "lib/http/server.h"
#include "origin/server/body.h"
#include "origin/server/content.h"
#include "origin/server/header_block.h"

namespace meridian::origin {

// What a resource is right now, before the request's conditions and ranges are looked at (RFC 9110
// section 3.2).
struct Representation {
  std::string etag;           // "" when there is none
  std::string last_modified;  // an HTTP-date; "" when there is none
  std::string content_type;
  HeaderBlock headers;  // everything else: Cache-Control, Vary, Content-Encoding, ...
  std::unique_ptr<Content> content;
};

// A response that is ready to be sent.
struct Answer {
  int status = 200;
  HeaderBlock headers;
  std::optional<std::uint64_t> length;   // none: chunked
  std::unique_ptr<Body> body;            // nullptr: none
  std::vector<std::string> early_hints;  // a block for each 103 that goes before
  std::string trailer_block;
  std::int64_t delay_ms = 0;  // before the head
};

// Its status and header fields.
void send_head(http::Exchange& exchange, const Answer& answer);

// A short text that says what happened.
Answer text_answer(int status, std::string_view text);
// 405 with the methods that would do (RFC 9110 section 15.5.6), or 501 for a method that nobody knows
// (section 9.1).
Answer method_answer(http::Method method, std::string_view allowed);

// Applies preconditions, then If-Range and Range (RFC 9110 sections 13.2.2 and 14.2), for GET and HEAD.
// `boundary` is used if the answer is multipart/byteranges.
Answer select_answer(const http::RequestHead& request, Representation representation, std::int64_t now_s,
                     std::string_view boundary);

}  // namespace meridian::origin
