#include "lib/base/check.h"
#include "lib/http/range.h"

// Input: a Range or Content-Range value, a line feed, and the length of the representation.
namespace {

namespace http = meridian::http;

bool touch(const http::ByteRange& a, const http::ByteRange& b) {
  return a.first <= b.last + 1 && b.first <= a.last + 1;
}

void check_answer(std::string_view value, std::uint64_t length) {
  const http::RangeAnswer answer = http::answer_range(value, length, {});
  using Kind = http::RangeAnswer::Kind;
  if (answer.kind == Kind::kSingle) {
    CHECK(answer.single.first <= answer.single.last && answer.single.last < length);
  }
  CHECK((answer.kind == Kind::kMultiple) == (answer.ranges.size() > 1));
  for (std::size_t i = 0; i < answer.ranges.size(); ++i) {
    CHECK(answer.ranges[i].first <= answer.ranges[i].last && answer.ranges[i].last < length);
    for (std::size_t k = 0; k < i; ++k) CHECK(!touch(answer.ranges[i], answer.ranges[k]));
  }
}

void check_content_range(std::string_view value) {
  const std::optional<http::ContentRange> range = http::parse_content_range(value);
  if (!range || !range->has_range || !range->complete_length) return;
  char out[70];
  const auto again =
      http::parse_content_range(http::format_content_range(range->range, *range->complete_length, out));
  CHECK(again && again->range == range->range && again->complete_length == range->complete_length);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line_end = text.find('\n');
  const std::string_view value = text.substr(0, line_end);
  std::uint64_t length = 0;
  if (line_end != std::string_view::npos) {
    for (char c : text.substr(line_end + 1)) length = length * 10 + static_cast<unsigned char>(c - '0');
  }
  check_answer(value, length);
  check_content_range(value);
  return 0;
}
