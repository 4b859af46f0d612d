#include "edge/slice_plan.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "lib/base/check.h"
#include "lib/http/conditional.h"
#include "lib/http/date.h"
#include "lib/http/etag.h"

namespace meridian::edge {

SliceGrid::SliceGrid(std::uint64_t length, std::uint64_t slice_bytes, std::uint64_t unit_bytes)
    : length_(length), slice_bytes_((slice_bytes + unit_bytes - 1) / unit_bytes * unit_bytes) {
  CHECK(slice_bytes_ > 0);
}

Span SliceGrid::around(std::uint64_t at) const {
  DCHECK(at < length_);
  const std::uint64_t begin = at - at % slice_bytes_;
  return {begin, std::min(begin + slice_bytes_, length_)};
}

bool SliceGrid::has_whole_slice(const Span& part) const {
  const std::uint64_t first = (part.begin + slice_bytes_ - 1) / slice_bytes_ * slice_bytes_;
  return first < part.end && std::min(first + slice_bytes_, length_) <= part.end;
}

std::uint64_t SliceGrid::count(const Span& wanted) const {
  if (wanted.size() == 0) return 0;
  return (wanted.end - 1) / slice_bytes_ - wanted.begin / slice_bytes_ + 1;
}

std::string_view strong_validator(const http::FieldList& fields, std::int64_t received_s) {
  const http::Validators validators = http::validators_of(200, fields);
  if (!validators.etag.empty()) {
    // Beside a weak tag the date says no more than the tag does.
    const std::optional<http::EntityTag> tag = http::parse_etag(validators.etag);
    return tag && !tag->weak ? validators.etag : std::string_view();
  }
  const std::optional<std::int64_t> modified = http::parse_http_date(validators.last_modified, 0);
  const std::optional<std::int64_t> made = fields.has(http::FieldId::kDate)
                                               ? http::parse_http_date(validators.date, 0)
                                               : std::optional(received_s);
  return modified && made && *modified < *made ? validators.last_modified : std::string_view();
}

namespace {

bool is_gone(int status) { return status == 404 || status == 410 || status == 416; }

}  // namespace

SliceAnswer judge_slice(const http::ResponseHead& answer, const Span& asked, const http::FieldList& stored,
                        std::uint64_t length, std::int64_t received_s) {
  const http::FieldList& fields = answer.fields;
  if (is_gone(answer.status)) return SliceAnswer::kChanged;
  if (answer.status == 200) {
    // By If-Range, unless the origin does not serve ranges (any more).
    return strong_validator(fields, received_s) == strong_validator(stored, received_s)
               ? SliceAnswer::kNotSliced
               : SliceAnswer::kChanged;
  }
  if (answer.status != 206) return SliceAnswer::kFailed;
  const auto range = fields.count(http::FieldId::kContentRange) == 1
                         ? http::parse_content_range(fields.value(http::FieldId::kContentRange))
                         : std::nullopt;
  if (!range || !range->has_range || !range->complete_length) return SliceAnswer::kNotSliced;
  if (*range->complete_length != length) return SliceAnswer::kChanged;
  const std::string_view validator = strong_validator(fields, received_s);
  if (validator.empty()) return SliceAnswer::kNotSliced;
  if (validator != strong_validator(stored, received_s)) return SliceAnswer::kChanged;
  const bool as_asked = range->range.first == asked.begin && range->range.last + 1 == asked.end;
  return as_asked ? SliceAnswer::kGood : SliceAnswer::kNotSliced;
}

void append_slice_request(const Span& asked, std::string_view validator, std::string& block) {
  block.append("Range: bytes=").append(std::to_string(asked.begin)).append("-");
  block.append(std::to_string(asked.end - 1)).append("\r\n");
  http::append_field(block, "If-Range", validator);
}

namespace {

// A line feed cannot stand in a primary key, and no Vary name is empty; see also part_key().
constexpr std::string_view kMark = "\n\nslice ";
constexpr int kHex = 16;

}  // namespace

void slice_key(std::string_view key, std::uint64_t fill_id, std::uint64_t begin, std::string& to) {
  std::array<char, 40> numbers;
  char* end = std::to_chars(numbers.data(), numbers.data() + 16, fill_id, kHex).ptr;
  *end++ = ' ';
  end = std::to_chars(end, numbers.data() + numbers.size(), begin).ptr;
  to.assign(key).append(kMark).append(numbers.data(), end);
}

bool parse_slice_key(std::string_view text, SliceKey& to) {
  const std::size_t mark = text.rfind(kMark);
  if (mark == std::string_view::npos) return false;
  to.object = text.substr(0, mark);
  const char* at = text.data() + mark + kMark.size();
  const char* const end = text.data() + text.size();
  const auto id = std::from_chars(at, end, to.fill_id, kHex);
  if (id.ec != std::errc() || id.ptr == end || *id.ptr != ' ') return false;
  const auto begin = std::from_chars(id.ptr + 1, end, to.begin);
  return begin.ec == std::errc() && begin.ptr == end;
}

}  // namespace meridian::edge
