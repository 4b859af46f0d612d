#pragma once

#include <cstdint>
#include <string_view>

#include "lib/http/bad_message.h"
#include "lib/http/message.h"

// HTTP/1.1 messages as bytes (RFC 9112): pure functions over buffers; sockets live elsewhere. Strict: what is
// ambiguous is refused with a reason, never repaired.
namespace meridian::http {

struct HeadLimits {
  std::size_t line_bytes = 8192;
  std::size_t header_bytes = 32768;
  std::size_t header_count = 100;
};

enum class ParseState : std::uint8_t { kDone, kNeedMore, kBad };

struct ParseResult {
  ParseState state = ParseState::kNeedMore;
  std::size_t consumed = 0;      // bytes of the head, when done
  int status = 400;              // what to answer, when bad
  std::string_view reason = {};  // a stable token, when bad
};

// Parses one request head at the start of `bytes`. On kDone `head` has views into `bytes`. `head.fields` is
// cleared first and keeps its memory. Scheme is set only by an absolute target.
ParseResult parse_request_head(std::string_view bytes, const HeadLimits& limits, RequestHead& head);
ParseResult parse_response_head(std::string_view bytes, const HeadLimits& limits, ResponseHead& head);

// How the body that follows a head is delimited (RFC 9112 section 6.3).
struct Framing {
  enum class Kind : std::uint8_t { kNone, kLength, kChunked, kUntilClose } kind = Kind::kNone;
  std::uint64_t length = 0;
  bool keep_alive = true;
};

// Fails (state kBad with a reason) on every ambiguous combination: CL with TE, several or malformed CL, TE
// that is malformed or does not end in chunked, TE in HTTP/1.0.
ParseResult request_framing(const RequestHead& head, Framing& framing);
// `to_head`: the request was HEAD. 1xx, 204, 304 have no body.
ParseResult response_framing(const ResponseHead& head, bool to_head, Framing& framing);

// Takes the chunked coding off in place (RFC 9112 section 7.1). Bounded: chunk-size digits, extension bytes,
// trailer bytes.
class ChunkDecoder {
 public:
  explicit ChunkDecoder(const HeadLimits& trailer_limits) : limits_(trailer_limits) {}
  struct Step {
    ParseState state = ParseState::kNeedMore;  // kDone: the last chunk and the trailers have been read
    std::size_t consumed = 0;                  // of the input, including framing
    std::string_view data;  // payload found in this step, a view into the input; may be empty
    std::string_view reason = {};
  };
  // Call again with the rest of the input until it consumes nothing. Trailers are parsed when they are whole
  // in the input: if `state` is kNeedMore and nothing is consumed, come back with more bytes behind the same
  // ones.
  Step next(std::string_view input);
  // Valid after kDone, as long as the input that held them.
  const FieldList& trailers() const { return trailers_; }
  void reset();

 private:
  enum class State : std::uint8_t { kSize, kData, kDataEnd, kTrailers, kDone };
  static Step refuse(BadMessage reason);
  static BadMessage fault_or(const char* at, BadMessage otherwise);
  Step read_size(const char*& p, const char* end);
  Step read_trailers(const char*& p, const char* end);

  HeadLimits limits_;
  State state_ = State::kSize;
  std::uint64_t left_ = 0;             // of the chunk that is being read
  std::uint64_t data_bytes_ = 0;       // of all chunks
  std::uint64_t extension_bytes_ = 0;  // of all chunks
  FieldList trailers_;
};

bool is_token(std::string_view text);
// Field values: visible ASCII, obs-text, space and tab inside.
bool is_field_value(std::string_view text);

}  // namespace meridian::http
