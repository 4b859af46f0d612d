#include "lib/http/range.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "lib/http/conditional.h"
#include "lib/http/date.h"

namespace meridian::http {
namespace {

constexpr std::uint64_t kMaxPosition = std::numeric_limits<std::uint64_t>::max();

// Digits only. Too large a number saturates, as it means "beyond the end" wherever it stands.
std::optional<std::uint64_t> saturating_number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    value = value > (kMaxPosition - digit) / 10 ? kMaxPosition : value * 10 + digit;
  }
  return value;
}

// Digits only, and in range: for Content-Range, where a wrong number must not pass for another.
std::optional<std::uint64_t> exact_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<RangeSpec> parse_spec(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::optional<std::uint64_t> last = saturating_number(text.substr(dash + 1));
  if (dash == 0) return last ? std::optional(RangeSpec{true, *last, kMaxPosition}) : std::nullopt;
  const std::optional<std::uint64_t> first = saturating_number(text.substr(0, dash));
  if (!first) return std::nullopt;
  if (dash + 1 == text.size()) return RangeSpec{false, *first, kMaxPosition};
  if (!last || *last < *first) return std::nullopt;
  return RangeSpec{false, *first, *last};
}

// Takes "bytes" and the separator off; false for another unit.
bool take_unit(std::string_view& value, char separator) {
  static constexpr std::string_view kUnit = "bytes";
  if (value.size() <= kUnit.size() || value[kUnit.size()] != separator) return false;
  if (!equals_ignoring_case(value.substr(0, kUnit.size()), kUnit)) return false;
  value.remove_prefix(kUnit.size() + 1);
  return true;
}

bool touch(const ByteRange& a, const ByteRange& b) {
  return (a.first <= b.last || a.first - b.last == 1) && (b.first <= a.last || b.first - a.last == 1);
}

ByteRange joined(const ByteRange& a, const ByteRange& b) {
  return {std::min(a.first, b.first), std::max(a.last, b.last)};
}

// Adds a range to others of which no two touch, and keeps that so: what touches is joined, at the place of
// the earliest asked for.
void coalesce(std::vector<ByteRange>& ranges, ByteRange range) {
  std::size_t place = ranges.size();
  for (std::size_t i = ranges.size(); i-- > 0;) {
    if (!touch(ranges[i], range)) continue;
    range = joined(ranges[i], range);
    ranges.erase(ranges.begin() + static_cast<std::ptrdiff_t>(i));
    place = std::min(place, i);
    i = ranges.size();
  }
  ranges.insert(ranges.begin() + static_cast<std::ptrdiff_t>(std::min(place, ranges.size())), range);
}

char* put(char* out, std::string_view text) { return std::copy(text.begin(), text.end(), out); }
char* put(char* out, std::uint64_t number) { return std::to_chars(out, out + 20, number).ptr; }

std::optional<std::uint64_t> complete_length(const FieldList& fields) {
  if (fields.has(FieldId::kContentRange)) {
    const std::optional<ContentRange> range = parse_content_range(fields.value(FieldId::kContentRange));
    return range ? range->complete_length : std::nullopt;
  }
  return exact_number(fields.value(FieldId::kContentLength));
}

// Last-Modified counts as strong when the response was made at least a second later (RFC 9110
// section 8.8.2.2).
bool has_strong_date(const Validators& validators) {
  const std::optional<std::int64_t> modified = parse_http_date(validators.last_modified, 0);
  const std::optional<std::int64_t> date = parse_http_date(validators.date, 0);
  return modified && date && *modified < *date;
}

bool share_strong_validator(const Validators& a, const Validators& b) {
  if (!a.etag.empty() || !b.etag.empty()) {
    const std::optional<EntityTag> left = parse_etag(a.etag);
    const std::optional<EntityTag> right = parse_etag(b.etag);
    return left && right && strong_match(*left, *right);
  }
  return a.last_modified == b.last_modified && has_strong_date(a) && has_strong_date(b);
}

}  // namespace

std::optional<std::vector<RangeSpec>> parse_range(std::string_view value, const RangeLimits& limits) {
  if (!take_unit(value, '=')) return std::nullopt;
  std::vector<RangeSpec> specs;
  bool good = true;
  for_each_member(value, [&](std::string_view member) {
    const std::optional<RangeSpec> spec = parse_spec(member);
    good = spec.has_value() && specs.size() < limits.count;
    if (good) specs.push_back(*spec);
    return good;
  });
  if (!good || specs.empty()) return std::nullopt;
  return specs;
}

std::optional<ByteRange> satisfy(const RangeSpec& spec, std::uint64_t length) {
  if (length == 0) return std::nullopt;
  if (spec.is_suffix) {
    if (spec.first == 0) return std::nullopt;
    return ByteRange{length - std::min(spec.first, length), length - 1};
  }
  if (spec.first >= length) return std::nullopt;
  return ByteRange{spec.first, std::min(spec.last, length - 1)};
}

RangeAnswer answer_range(std::string_view range_value, std::uint64_t length, const RangeLimits& limits) {
  RangeAnswer answer;
  const std::optional<std::vector<RangeSpec>> specs = parse_range(range_value, limits);
  if (!specs) return answer;
  bool all_suffixes = true;
  for (const RangeSpec& spec : *specs) {
    all_suffixes = all_suffixes && spec.is_suffix && spec.first > 0;
    if (const std::optional<ByteRange> range = satisfy(spec, length)) coalesce(answer.ranges, *range);
  }
  if (answer.ranges.empty()) {
    // The last bytes of an empty representation are the whole of it, and no Content-Range can say so.
    answer.kind = length == 0 && all_suffixes ? RangeAnswer::Kind::kWhole : RangeAnswer::Kind::kUnsatisfiable;
    return answer;
  }
  answer.kind = answer.ranges.size() == 1 ? RangeAnswer::Kind::kSingle : RangeAnswer::Kind::kMultiple;
  if (answer.kind == RangeAnswer::Kind::kSingle) {
    answer.single = answer.ranges.front();
    answer.ranges.clear();
  }
  return answer;
}

std::optional<ContentRange> parse_content_range(std::string_view value) {
  if (!take_unit(value, ' ')) return std::nullopt;
  const std::size_t slash = value.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view range = value.substr(0, slash);
  const std::string_view length = value.substr(slash + 1);
  ContentRange result;
  if (length != "*") {
    result.complete_length = exact_number(length);
    if (!result.complete_length) return std::nullopt;
  }
  if (range == "*") return result.complete_length ? std::optional(result) : std::nullopt;
  const std::size_t dash = range.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::optional<std::uint64_t> first = exact_number(range.substr(0, dash));
  const std::optional<std::uint64_t> last = exact_number(range.substr(dash + 1));
  if (!first || !last || *last < *first || *last == kMaxPosition) return std::nullopt;
  if (result.complete_length && *result.complete_length <= *last) return std::nullopt;
  result.has_range = true;
  result.range = {*first, *last};
  return result;
}

std::string_view format_content_range(const ByteRange& range, std::uint64_t length, std::span<char, 70> out) {
  char* end = put(put(out.data(), "bytes "), range.first);
  end = put(put(end, "-"), range.last);
  end = put(put(end, "/"), length);
  return {out.data(), static_cast<std::size_t>(end - out.data())};
}

std::string_view format_unsatisfied_range(std::uint64_t length, std::span<char, 70> out) {
  const char* end = put(put(out.data(), "bytes */"), length);
  return {out.data(), static_cast<std::size_t>(end - out.data())};
}

bool may_combine(const FieldList& a, const FieldList& b) {
  if (!share_strong_validator(validators_of(206, a), validators_of(206, b))) return false;
  const std::optional<std::uint64_t> left = complete_length(a);
  const std::optional<std::uint64_t> right = complete_length(b);
  return !left || !right || *left == *right;
}

std::vector<ByteRange> missing_ranges(std::span<const ByteRange> held, const ByteRange& wanted) {
  std::vector<ByteRange> missing;
  std::uint64_t next = wanted.first;
  for (const ByteRange& range : held) {
    if (range.last < next) continue;
    if (range.first > wanted.last) break;
    if (range.first > next) missing.push_back({next, range.first - 1});
    if (range.last >= wanted.last) return missing;
    next = range.last + 1;
  }
  missing.push_back({next, wanted.last});
  return missing;
}

void add_range(std::vector<ByteRange>& held, const ByteRange& range) {
  coalesce(held, range);
  std::sort(held.begin(), held.end(),
            [](const ByteRange& a, const ByteRange& b) { return a.first < b.first; });
}

}  // namespace meridian::http
