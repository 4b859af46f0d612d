#include <cstdint>
#include <string>

#include "lib/base/check.h"
#include "lib/http/http1.h"

// Response heads, in the same way as request heads.
using namespace meridian::http;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const HeadLimits limits{.line_bytes = 256, .header_bytes = 512, .header_count = 16};
  ResponseHead head;
  const ParseResult whole = parse_response_head(bytes, limits, head);
  if (whole.state == ParseState::kDone) {
    CHECK(whole.consumed <= size);
    CHECK(head.status >= 100 && head.status <= 599);
    for (const Field& field : head.fields) {
      CHECK(is_token(field.name) && is_field_value(field.value));
      CHECK(field.id == field_id(field.name));
    }
    for (const bool to_head : {false, true}) {
      Framing framing;
      const ParseResult framed = response_framing(head, to_head, framing);
      CHECK(framed.state == ParseState::kDone || !framed.reason.empty());
      if (framed.state == ParseState::kDone && to_head) CHECK(framing.kind == Framing::Kind::kNone);
    }
  }
  for (std::size_t part = 0; part < size; ++part) {
    const std::string beginning = bytes.substr(0, part);
    ResponseHead partial;
    const ParseResult result = parse_response_head(beginning, limits, partial);
    if (result.state == ParseState::kDone) {
      CHECK(whole.state == ParseState::kDone && whole.consumed == result.consumed);
      break;
    }
    CHECK(result.state == ParseState::kNeedMore || whole.state == ParseState::kBad);
  }
  return 0;
}
