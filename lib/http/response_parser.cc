#include <cstring>

#include "lib/http/chars.h"
#include "lib/http/field_parser.h"
#include "lib/http/http1.h"

namespace meridian::http {
namespace {

constexpr std::string_view kPrefix = "HTTP/1.";
constexpr std::size_t kFixedBytes = 12;  // "HTTP/1.1 200"

struct StatusLine {
  ParseState state = ParseState::kNeedMore;
  BadMessage bad = BadMessage::kBadStatus;
  const char* end = nullptr;
};
StatusLine refuse(BadMessage reason) { return {ParseState::kBad, reason, nullptr}; }

StatusLine parse_fixed_part(const char* p, ResponseHead& head) {
  if (std::memcmp(p, kPrefix.data(), kPrefix.size()) != 0 || !is_digit(p[7]))
    return refuse(BadMessage::kBadVersion);
  head.version = p[7] == '0' ? Version::kHttp10 : Version::kHttp11;
  if (p[8] != ' ' || !is_digit(p[9]) || !is_digit(p[10]) || !is_digit(p[11])) {
    return refuse(BadMessage::kBadStatus);
  }
  head.status = (p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0');
  if (head.status < 100 || head.status > 599) return refuse(BadMessage::kBadStatus);
  return {ParseState::kDone, {}, p + kFixedBytes};
}

// RFC 9112 section 4. The space before an empty reason is often missing and means nothing: it may be.
StatusLine parse_status_line(const char* begin, const char* end, std::size_t limit, ResponseHead& head) {
  const auto size = static_cast<std::size_t>(end - begin);
  const auto more = [&] { return size > limit ? refuse(BadMessage::kLineTooLong) : StatusLine{}; };
  if (size < kFixedBytes + 2) {
    const bool prefix = std::memcmp(begin, kPrefix.data(), std::min(size, kPrefix.size())) == 0;
    return prefix ? more() : refuse(BadMessage::kBadVersion);
  }
  const StatusLine fixed = parse_fixed_part(begin, head);
  if (fixed.state == ParseState::kBad) return fixed;
  const char* p = fixed.end;
  if (*p != ' ' && *p != '\r') return refuse(BadMessage::kBadStatus);
  const char* reason = *p == ' ' ? p + 1 : p;
  p = skip_value(reason, end);
  if (p == end) return more();
  if (*p != '\r' || end - p < 2 || p[1] != '\n') {
    const FieldsResult fault = fault_at(p, end);
    return fault.state == ParseState::kBad ? refuse(fault.bad) : more();
  }
  head.reason = between(reason, p);
  if (static_cast<std::size_t>(p + 2 - begin) > limit) return refuse(BadMessage::kLineTooLong);
  return {ParseState::kDone, {}, p + 2};
}

}  // namespace

ParseResult parse_response_head(std::string_view bytes, const HeadLimits& limits, ResponseHead& head) {
  head.fields.clear();
  const char* const begin = bytes.data();
  const char* const end = begin + bytes.size();
  const StatusLine line = parse_status_line(begin, end, limits.line_bytes, head);
  if (line.state == ParseState::kNeedMore) return {};
  if (line.state == ParseState::kBad) return bad_result(line.bad);
  const FieldsResult fields = parse_fields(line.end, end, limits, SpaceBeforeColon::kRemove, head.fields);
  if (fields.state == ParseState::kNeedMore) return {};
  if (fields.state == ParseState::kBad) return bad_result(fields.bad);
  return {ParseState::kDone, static_cast<std::size_t>(fields.end - begin)};
}

}  // namespace meridian::http
