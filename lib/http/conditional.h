#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/http/etag.h"
#include "lib/http/message.h"

// Conditional requests (RFC 9110 section 13, RFC 9111 section 4.3). Nothing here allocates except where a
// string is filled, or a list field came in several lines.
namespace meridian::http {

// The fields that evaluate() looks at: test request.fields.present().intersects(...) first.
inline constexpr FieldSet kConditionalFields = {FieldId::kIfMatch, FieldId::kIfNoneMatch,
                                                FieldId::kIfModifiedSince, FieldId::kIfUnmodifiedSince};

enum class Precondition : std::uint8_t {
  kProceed,             // send the representation
  kNotModified,         // 304
  kPreconditionFailed,  // 412
};

// The stored or fresh response that the request is held against.
struct Validators {
  std::string_view etag;           // "" when absent
  std::string_view last_modified;  // "" when absent
  std::string_view date;  // stands in for Last-Modified in a stored response (RFC 9111 section 4.3.2)
  int status = 200;
};
Validators validators_of(const ResponseHead& response);
Validators validators_of(int status, const FieldList& fields);

enum class Evaluate : std::uint8_t {
  kCache,   // only If-None-Match and If-Modified-Since: the others are the origin's to judge (RFC 9111
            // section 4.3.2)
  kOrigin,  // all of them, in the order of RFC 9110 section 13.2.2
};
// For GET and HEAD; other methods at an origin get kPreconditionFailed where If-None-Match matches. Only a
// 200 (or, for a cache, a 206) is ever turned into 304. `received_s`: when the stored response came, used
// when it has neither Last-Modified nor Date.
Precondition evaluate(const RequestHead& request, const Validators& validators, Evaluate as,
                      std::int64_t now_s, std::int64_t received_s);

// If-Range (RFC 9110 section 13.1.5): may the Range be honoured? True without If-Range. Strong comparison; a
// date must equal Last-Modified, which must be strong: at least one second before Date (section 8.8.2.2).
bool if_range_holds(const FieldList& request, const Validators& validators, std::int64_t now_s);

// Appends the fields of our own validation request, If-None-Match and If-Modified-Since (RFC 9111
// section 4.3.1), and says whether there was a validator. The client's own conditionals must be left out of
// that request.
bool append_validation_fields(const Validators& stored, std::string& block);

// On a miss that will be stored, the client's conditionals and Range must not reach the origin: its 304 or
// 206 would be of no use to others. Without the intent to store they are forwarded as they are. If-Match and
// If-Unmodified-Since always are the origin's: such a request is forwarded, and its response is not shared
// with followers.
bool is_conditional_field(
    FieldId id);  // If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, If-Range
bool needs_origin_judgement(const FieldSet& present);  // If-Match or If-Unmodified-Since

// Which of a 200's fields a 304 made from it carries (RFC 9110 section 15.4.5): all but those that describe
// the body (Content-Length, -Type, -Encoding, -Language, -Range), as Last-Modified only where there is no
// ETag. Extension fields stay.
bool kept_in_304(FieldId id, bool has_etag);

}  // namespace meridian::http
