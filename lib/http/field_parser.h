#pragma once

#include "lib/http/bad_message.h"
#include "lib/http/http1.h"

// The field lines of a header or trailer section (RFC 9112 section 5), for the parsers of this folder.
namespace meridian::http {

// What stands before the colon of a response: a proxy removes white space there (RFC 9112 section 5.1), while
// a request that has it is refused.
enum class SpaceBeforeColon : bool { kRefuse, kRemove };

struct FieldsResult {
  ParseState state = ParseState::kNeedMore;
  BadMessage bad = BadMessage::kBadName;  // when bad
  const char* end = nullptr;              // behind the empty line, when done
};

// Parses lines up to and with the empty one, adding to `fields`.
FieldsResult parse_fields(const char* begin, const char* end, const HeadLimits& limits,
                          SpaceBeforeColon space, FieldList& fields);

// Why a line stopped at *p, which is no CR that a LF follows; kNeedMore when the next byte must decide.
FieldsResult fault_at(const char* p, const char* end);

inline ParseResult bad_result(BadMessage reason) {
  return {ParseState::kBad, 0, status_of(reason), token_of(reason)};
}

}  // namespace meridian::http
