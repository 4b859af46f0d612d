#include <cstdint>
#include <string>

#include "lib/base/check.h"
#include "lib/http/http1.h"

// Request heads: whatever is taken keeps to the grammar, views stay inside the input, and the verdict on a
// head does not depend on how its bytes came.
using namespace meridian::http;

namespace {

bool inside(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_taken(const RequestHead& head, std::string_view bytes) {
  CHECK(is_token(head.method_name) && inside(head.method_name, bytes));
  CHECK(method_of(head.method_name) == head.method);
  CHECK(head.method == Method::kConnect ? head.path.empty() : head.path == "*" || head.path.front() == '/');
  for (char c : head.path) CHECK(c > 0x20 && c < 0x7f && c != '#');
  CHECK(head.version == Version::kHttp10 || head.fields.count(FieldId::kHost) == 1);
  for (const Field& field : head.fields) {
    CHECK(is_token(field.name) && is_field_value(field.value));
    CHECK(inside(field.name, bytes) && inside(field.value, bytes));
    CHECK(field.id == field_id(field.name));
  }
  Framing framing;
  const ParseResult framed = request_framing(head, framing);
  CHECK(framed.state != ParseState::kNeedMore);
  CHECK(framed.state == ParseState::kDone || !framed.reason.empty());
  CHECK(framing.kind != Framing::Kind::kUntilClose);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A copy of its own size, so that a byte read behind the end is seen.
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const HeadLimits limits{.line_bytes = 256, .header_bytes = 512, .header_count = 16};
  RequestHead head;
  const ParseResult whole = parse_request_head(bytes, limits, head);
  if (whole.state == ParseState::kDone) {
    CHECK(whole.consumed <= size);
    check_taken(head, std::string_view(bytes).substr(0, whole.consumed));
  } else if (whole.state == ParseState::kBad) {
    CHECK(!whole.reason.empty() && whole.status >= 400);
  }
  for (std::size_t part = 0; part < size; ++part) {
    const std::string beginning = bytes.substr(0, part);
    RequestHead partial;
    const ParseResult result = parse_request_head(beginning, limits, partial);
    if (result.state == ParseState::kDone) {
      CHECK(whole.state == ParseState::kDone && whole.consumed == result.consumed);
      break;
    }
    CHECK(result.state == ParseState::kNeedMore || whole.state == ParseState::kBad);
    CHECK(whole.state != ParseState::kDone || part < whole.consumed);
  }
  return 0;
}
