#include <algorithm>
#include <cstdint>
#include <string>

#include "lib/base/check.h"
#include "lib/http/http1.h"

// The chunk decoder gives the same data, trailers and verdict however its input is cut. The first byte says
// how.
using namespace meridian::http;

namespace {

struct Decoded {
  std::string data;
  std::string trailers;
  ParseState state = ParseState::kNeedMore;
  std::size_t consumed = 0;
};

Decoded decode(const std::string& input, std::size_t cut) {
  ChunkDecoder decoder({.line_bytes = 256, .header_bytes = 512, .header_count = 16});
  Decoded decoded;
  std::size_t end = 0;
  for (;;) {
    const std::string piece = input.substr(decoded.consumed, end - decoded.consumed);
    const ChunkDecoder::Step step = decoder.next(piece);
    CHECK(step.consumed <= piece.size());
    CHECK(step.data.size() <= step.consumed);
    decoded.consumed += step.consumed;
    decoded.data += step.data;
    decoded.state = step.state;
    if (step.state == ParseState::kDone) {
      for (const Field& field : decoder.trailers()) {
        CHECK(is_token(field.name) && is_field_value(field.value));
        CHECK(field.id != FieldId::kContentLength && field.id != FieldId::kTransferEncoding);
        decoded.trailers.append(field.name).append("=").append(field.value).append("\n");
      }
    }
    if (step.state != ParseState::kNeedMore) return decoded;
    if (step.consumed != 0) continue;
    if (end == input.size()) return decoded;
    end = std::min(end + cut, input.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string input(reinterpret_cast<const char*>(data + 1), size - 1);
  const Decoded whole = decode(input, input.size());
  const Decoded pieces = decode(input, std::size_t{data[0]} + 1);
  CHECK(whole.state == pieces.state);
  CHECK(whole.data == pieces.data);
  if (whole.state == ParseState::kDone) {
    CHECK(whole.consumed == pieces.consumed);
    CHECK(whole.trailers == pieces.trailers);
  }
  return 0;
}
