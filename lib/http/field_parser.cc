#include "lib/http/field_parser.h"

#include "lib/http/chars.h"

namespace meridian::http {
namespace {

FieldsResult bad(BadMessage reason) { return {ParseState::kBad, reason, nullptr}; }
constexpr FieldsResult kMore = {};

BadMessage name_fault(const char* name, const char* at) {
  if (at == name && *at == ':') return BadMessage::kEmptyName;
  switch (*at) {
    case ' ':
    case '\t':
      return BadMessage::kSpaceBeforeColon;
    case '\r':
    case '\n':
      return BadMessage::kNoColon;
    case '\0':
      return BadMessage::kNul;
    default:
      return BadMessage::kBadName;
  }
}

struct Name {
  ParseState state;
  BadMessage bad = BadMessage::kBadName;
  const char* colon = nullptr;
  FieldId id = FieldId::kOther;
  std::string_view text = {};
};

// A name that is known is a token: only others are looked at letter by letter.
Name parse_name(const char* p, const char* end, SpaceBeforeColon space) {
  const char* colon = find_colon(p, end);
  if (colon != end) {
    const std::string_view text = between(p, colon);
    const FieldId id = field_id(text);
    if (id != FieldId::kOther) return {ParseState::kDone, {}, colon, id, text};
  }
  const char* token_end = skip_token(p, colon);
  const char* stop = token_end;
  if (space == SpaceBeforeColon::kRemove && stop != p) stop = skip_blanks(stop, colon);
  if (stop != colon) return {ParseState::kBad, name_fault(p, stop)};
  if (colon == end) return {ParseState::kNeedMore};
  if (token_end == p) return {ParseState::kBad, BadMessage::kEmptyName};
  const std::string_view text = between(p, token_end);
  return {ParseState::kDone, {}, colon, field_id(text), text};
}

}  // namespace

FieldsResult fault_at(const char* p, const char* end) {
  switch (*p) {
    case '\r':
      return end - p < 2 ? kMore : bad(BadMessage::kBareCr);
    case '\n':
      return bad(BadMessage::kBareLf);
    case '\0':
      return bad(BadMessage::kNul);
    default:
      return bad(BadMessage::kControl);
  }
}

FieldsResult parse_fields(const char* begin, const char* end, const HeadLimits& limits,
                          SpaceBeforeColon space, FieldList& fields) {
  const char* p = begin;
  const auto too_large = [&](const char* at) {
    return static_cast<std::size_t>(at - begin) > limits.header_bytes;
  };
  const auto more = [&] { return too_large(end) ? bad(BadMessage::kHeaderTooLarge) : kMore; };
  std::size_t count = 0;
  for (;;) {
    if (p == end) return more();
    if (*p == '\r') {
      if (end - p < 2) return more();
      if (p[1] != '\n') return bad(BadMessage::kBareCr);
      if (too_large(p + 2)) return bad(BadMessage::kHeaderTooLarge);
      return {ParseState::kDone, {}, p + 2};
    }
    if (is_blank(*p)) return bad(BadMessage::kObsFold);
    if (*p == '\n') return bad(BadMessage::kBareLf);

    const Name name = parse_name(p, end, space);
    if (name.state == ParseState::kNeedMore) return more();
    if (name.state == ParseState::kBad) return bad(name.bad);

    const char* value = skip_blanks(name.colon + 1, end);
    const char* line_end = skip_value(value, end);
    if (line_end == end) return more();
    if (*line_end != '\r' || end - line_end < 2 || line_end[1] != '\n') {
      const FieldsResult fault = fault_at(line_end, end);
      return fault.state == ParseState::kBad ? fault : more();
    }
    p = line_end + 2;
    if (too_large(p)) return bad(BadMessage::kHeaderTooLarge);
    if (++count > limits.header_count) return bad(BadMessage::kTooManyFields);
    while (line_end != value && is_blank(line_end[-1])) --line_end;
    fields.add(name.id, name.text, between(value, line_end));
  }
}

}  // namespace meridian::http
