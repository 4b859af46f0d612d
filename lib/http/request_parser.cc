#include <cstring>

#include "lib/http/chars.h"
#include "lib/http/field_parser.h"
#include "lib/http/http1.h"
#include "lib/http/request_target.h"

namespace meridian::http {
namespace {

// Empty lines before a request line that are skipped (RFC 9112 section 2.2).
constexpr int kLeadingLines = 2;
constexpr std::size_t kVersionBytes = 8;  // "HTTP/1.1"

ParseResult more_line(const char* line, const char* end, const HeadLimits& limits) {
  const bool too_long = static_cast<std::size_t>(end - line) > limits.line_bytes;
  return too_long ? bad_result(BadMessage::kLineTooLong) : ParseResult{};
}

ParseResult fault_in_line(const char* p, const char* line, const char* end, const HeadLimits& limits,
                          BadMessage otherwise) {
  const auto c = static_cast<unsigned char>(*p);
  if (c >= 0x20 && c != 0x7f) return bad_result(otherwise);
  if (c == '\r' && end - p >= 2 && p[1] == '\n') return bad_result(otherwise);
  const FieldsResult fault = fault_at(p, end);
  return fault.state == ParseState::kBad ? bad_result(fault.bad) : more_line(line, end, limits);
}

// RFC 9112 section 2.3. HTTP/1.x with a greater x is read as HTTP/1.1 (RFC 9110 section 2.5).
ParseState parse_version(const char* p, Version& version, BadMessage& bad) {
  constexpr std::string_view kPrefix = "HTTP/";
  const bool form =
      std::memcmp(p, kPrefix.data(), kPrefix.size()) == 0 && is_digit(p[5]) && p[6] == '.' && is_digit(p[7]);
  if (!form || p[5] != '1') {
    bad = form ? BadMessage::kVersionUnsupported : BadMessage::kBadVersion;
    return ParseState::kBad;
  }
  version = p[7] == '0' ? Version::kHttp10 : Version::kHttp11;
  return ParseState::kDone;
}

Method method_at(std::string_view name) { return name == "GET" ? Method::kGet : method_of(name); }

// Host (RFC 9112 section 3.2) and the form of the target.
ParseResult check_routing(std::string_view target, RequestHead& head) {
  if (head.fields.has(FieldId::kHost)) {
    if (head.fields.count(FieldId::kHost) > 1) return bad_result(BadMessage::kSeveralHosts);
  } else if (head.version == Version::kHttp11) {
    return bad_result(BadMessage::kMissingHost);
  }
  BadMessage bad{};
  if (!resolve_target(target, head, bad)) return bad_result(bad);
  return {ParseState::kDone};
}

}  // namespace

ParseResult parse_request_head(std::string_view bytes, const HeadLimits& limits, RequestHead& head) {
  head.fields.clear();
  head.scheme = {};
  const char* const begin = bytes.data();
  const char* const end = begin + bytes.size();
  const char* p = begin;
  for (int i = 0; i < kLeadingLines && end - p >= 2 && p[0] == '\r' && p[1] == '\n'; ++i) p += 2;
  const char* const line = p;

  p = skip_token(line, end);
  if (p == end) return more_line(line, end, limits);
  if (*p != ' ' || p == line) return fault_in_line(p, line, end, limits, BadMessage::kBadMethod);
  head.method_name = between(line, p);
  head.method = method_at(head.method_name);

  const char* const target = ++p;
  p = skip_target(p, end);
  if (p == end) return more_line(line, end, limits);
  if (*p == '#') return bad_result(BadMessage::kFragment);
  if (*p == '\r') return fault_in_line(p, line, end, limits, BadMessage::kBadVersion);  // as in HTTP/0.9
  if (*p != ' ' || p == target) return fault_in_line(p, line, end, limits, BadMessage::kBadTarget);
  const std::string_view target_text = between(target, p);

  ++p;
  if (static_cast<std::size_t>(end - p) < kVersionBytes + 2) {
    const char* stop = skip_value(p, end);
    if (stop == end || (stop + 1 == end && *stop == '\r')) return more_line(line, end, limits);
    return fault_in_line(stop, line, end, limits, BadMessage::kBadVersion);
  }
  BadMessage bad{};
  if (parse_version(p, head.version, bad) == ParseState::kBad) {
    const char* stop = skip_value(p, p + kVersionBytes);
    if (stop != p + kVersionBytes) return fault_in_line(stop, line, end, limits, bad);
    return bad_result(bad);
  }
  p += kVersionBytes;
  if (p[0] != '\r' || p[1] != '\n') return fault_in_line(p, line, end, limits, BadMessage::kBadVersion);
  p += 2;
  if (static_cast<std::size_t>(p - line) > limits.line_bytes) return bad_result(BadMessage::kLineTooLong);

  const FieldsResult fields = parse_fields(p, end, limits, SpaceBeforeColon::kRefuse, head.fields);
  if (fields.state == ParseState::kNeedMore) return {};
  if (fields.state == ParseState::kBad) return bad_result(fields.bad);
  ParseResult result = check_routing(target_text, head);
  result.consumed = static_cast<std::size_t>(fields.end - begin);
  return result;
}

}  // namespace meridian::http
