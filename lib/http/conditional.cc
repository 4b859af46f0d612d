#include "lib/http/conditional.h"

#include <optional>

#include "lib/http/date.h"

namespace meridian::http {
namespace {

enum class Condition : std::uint8_t { kAbsent, kTrue, kFalse };
Condition condition(bool holds) { return holds ? Condition::kTrue : Condition::kFalse; }

bool is_star(std::string_view list) { return trim(list) == "*"; }

// RFC 9110 section 13.1.1.
Condition if_match(const FieldList& request, const Validators& validators) {
  if (!request.has(FieldId::kIfMatch)) return Condition::kAbsent;
  std::string scratch;
  const std::string_view list = request.combined(FieldId::kIfMatch, scratch);
  if (is_star(list)) return Condition::kTrue;
  return condition(etag_list_has(list, validators.etag, EtagComparison::kStrong));
}

// RFC 9110 section 13.1.2.
Condition if_none_match(const FieldList& request, const Validators& validators) {
  if (!request.has(FieldId::kIfNoneMatch)) return Condition::kAbsent;
  std::string scratch;
  const std::string_view list = request.combined(FieldId::kIfNoneMatch, scratch);
  if (is_star(list)) return Condition::kFalse;
  return condition(!etag_list_has(list, validators.etag, EtagComparison::kWeak));
}

// The date in a field that must be there once and valid to count (RFC 9110 sections 13.1.3 and 13.1.4).
std::optional<std::int64_t> only_date(const FieldList& request, FieldId id, std::int64_t now_s) {
  if (!request.has(id) || request.count(id) != 1) return std::nullopt;
  return parse_http_date(request.value(id), now_s);
}

// When the representation last changed. A cache that does not know takes the time of its Date or of receipt
// (RFC 9111 section 4.3.2).
std::optional<std::int64_t> modified_at(const Validators& validators, Evaluate as, std::int64_t now_s,
                                        std::int64_t received_s) {
  if (!validators.last_modified.empty()) return parse_http_date(validators.last_modified, now_s);
  if (as == Evaluate::kOrigin) return std::nullopt;
  return parse_http_date(validators.date, now_s).value_or(received_s);
}

// If-Match, or in its absence If-Unmodified-Since (RFC 9110 section 13.2.2, steps 1 and 2).
bool origin_refuses(const FieldList& request, const Validators& validators, std::int64_t now_s) {
  const Condition match = if_match(request, validators);
  if (match != Condition::kAbsent) return match == Condition::kFalse;
  const std::optional<std::int64_t> since = only_date(request, FieldId::kIfUnmodifiedSince, now_s);
  const std::optional<std::int64_t> modified = parse_http_date(validators.last_modified, now_s);
  return since && modified && *modified > *since;
}

bool answers_conditions(int status, Evaluate as) {
  if (as == Evaluate::kOrigin) return status >= 200 && status < 300;
  return status == 200 || status == 203 || status == 206;
}

}  // namespace

Validators validators_of(int status, const FieldList& fields) {
  return {fields.value(FieldId::kEtag), fields.value(FieldId::kLastModified), fields.value(FieldId::kDate),
          status};
}

Validators validators_of(const ResponseHead& response) {
  return validators_of(response.status, response.fields);
}

Precondition evaluate(const RequestHead& request, const Validators& validators, Evaluate as,
                      std::int64_t now_s, std::int64_t received_s) {
  const FieldList& fields = request.fields;
  if (!fields.present().intersects(kConditionalFields) || !answers_conditions(validators.status, as)) {
    return Precondition::kProceed;
  }
  const bool reads = request.method == Method::kGet || request.method == Method::kHead;
  if (as == Evaluate::kOrigin && origin_refuses(fields, validators, now_s))
    return Precondition::kPreconditionFailed;
  const Condition none_match = if_none_match(fields, validators);
  if (none_match == Condition::kFalse) {
    return reads ? Precondition::kNotModified : Precondition::kPreconditionFailed;
  }
  if (none_match == Condition::kTrue || !reads) return Precondition::kProceed;
  const std::optional<std::int64_t> since = only_date(fields, FieldId::kIfModifiedSince, now_s);
  if (!since) return Precondition::kProceed;
  const std::optional<std::int64_t> modified = modified_at(validators, as, now_s, received_s);
  return modified && *modified <= *since ? Precondition::kNotModified : Precondition::kProceed;
}

bool if_range_holds(const FieldList& request, const Validators& validators, std::int64_t now_s) {
  if (!request.has(FieldId::kIfRange)) return true;
  if (request.count(FieldId::kIfRange) != 1) return false;
  const std::string_view value = request.value(FieldId::kIfRange);
  if (const std::optional<EntityTag> wanted = parse_etag(value)) {
    const std::optional<EntityTag> own = parse_etag(validators.etag);
    return own && strong_match(*own, *wanted);
  }
  const std::optional<std::int64_t> wanted = parse_http_date(value, now_s);
  const std::optional<std::int64_t> modified = parse_http_date(validators.last_modified, now_s);
  const std::optional<std::int64_t> date = parse_http_date(validators.date, now_s);
  return wanted && modified && date && *wanted == *modified && *modified < *date;
}

bool append_validation_fields(const Validators& stored, std::string& block) {
  if (!stored.etag.empty()) append_field(block, field_name(FieldId::kIfNoneMatch), stored.etag);
  if (!stored.last_modified.empty()) {
    append_field(block, field_name(FieldId::kIfModifiedSince), stored.last_modified);
  }
  return !stored.etag.empty() || !stored.last_modified.empty();
}

bool is_conditional_field(FieldId id) {
  switch (id) {
    case FieldId::kIfMatch:
    case FieldId::kIfNoneMatch:
    case FieldId::kIfModifiedSince:
    case FieldId::kIfUnmodifiedSince:
    case FieldId::kIfRange:
      return true;
    default:
      return false;
  }
}

bool needs_origin_judgement(const FieldSet& present) {
  return present.has(FieldId::kIfMatch) || present.has(FieldId::kIfUnmodifiedSince);
}

bool kept_in_304(FieldId id, bool has_etag) {
  switch (id) {
    case FieldId::kContentLength:
    case FieldId::kContentType:
    case FieldId::kContentEncoding:
    case FieldId::kContentLanguage:
    case FieldId::kContentRange:
      return false;
    case FieldId::kLastModified:
      return !has_etag;
    default:
      return true;
  }
}

}  // namespace meridian::http
