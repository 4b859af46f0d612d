#pragma once

#include <cstdint>
#include <string_view>

#include "lib/http/bad_message.h"
#include "lib/http/http1.h"

namespace meridian::http {

// Finds the body of one request in the bytes behind its head, by length or chunks (RFC 9112 sections 6 and
// 7), up to a limit. Pure; used again for each request of a connection.
class RequestBody {
 public:
  RequestBody(const HeadLimits& trailer_limits, std::uint64_t limit_bytes)
      : chunks_(trailer_limits), limit_bytes_(limit_bytes) {}

  void begin(const Framing& framing);
  bool present() const { return framing_.kind != Framing::Kind::kNone; }
  bool done() const { return done_; }
  bool has_length() const { return framing_.kind == Framing::Kind::kLength; }
  std::uint64_t length() const { return framing_.length; }

  struct Step {
    ParseState state = ParseState::kNeedMore;  // kDone: the body and its trailers are whole
    std::size_t consumed = 0;
    std::string_view data;
    std::string_view reason;  // when bad
    int status = 400;         // when bad
  };
  Step next(std::string_view input);
  const FieldList& trailers() const { return chunks_.trailers(); }

 private:
  Step next_of_length(std::string_view input);
  Step next_chunk(std::string_view input);

  ChunkDecoder chunks_;
  std::uint64_t limit_bytes_;  // 0: none
  Framing framing_;
  std::uint64_t left_ = 0;
  std::uint64_t seen_ = 0;
  bool done_ = true;
};

}  // namespace meridian::http
