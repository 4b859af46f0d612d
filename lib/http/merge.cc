#include "lib/http/merge.h"

#include <optional>

#include "lib/http/date.h"
#include "lib/http/hop_by_hop.h"

namespace meridian::http {
namespace {

bool has_name(const FieldList& fields, const Field& field) {
  return field.id != FieldId::kOther ? fields.has(field.id) : fields.find(field.name) != nullptr;
}

bool same_date(std::string_view a, std::string_view b, std::int64_t now_s) {
  const std::optional<std::int64_t> left = parse_http_date(a, now_s);
  return a == b || (left && left == parse_http_date(b, now_s));
}

}  // namespace

bool kept_on_update(FieldId id) {
  return id == FieldId::kContentLength || id == FieldId::kContentEncoding || id == FieldId::kContentRange ||
         id == FieldId::kAge;
}

void merge_fields(const FieldList& stored, const FieldList& update, std::span<const std::string> strip,
                  std::string& block) {
  const ConnectionOptions options(update);
  const auto taken = [&](const Field& field) {
    return !kept_on_update(field.id) && !is_hop_by_hop(field.id) && !options.lists(field) &&
           !is_named(field, strip);
  };
  for (const Field& field : stored) {
    const bool replaced = has_name(update, field) && taken(field);
    if (!replaced && !is_named(field, strip)) append_field(block, field.name, field.value);
  }
  for (const Field& field : update) {
    if (taken(field)) append_field(block, field.name, field.value);
  }
}

bool selects(const FieldList& not_modified, const Validators& stored, bool only_candidate,
             std::int64_t now_s) {
  if (not_modified.has(FieldId::kEtag)) {
    const std::string_view etag = not_modified.value(FieldId::kEtag);
    const std::optional<EntityTag> theirs = parse_etag(etag);
    const std::optional<EntityTag> ours = parse_etag(stored.etag);
    if (!theirs || !ours) return etag == stored.etag;
    return theirs->weak ? weak_match(*theirs, *ours) : strong_match(*theirs, *ours);
  }
  if (not_modified.has(FieldId::kLastModified)) {
    return same_date(not_modified.value(FieldId::kLastModified), stored.last_modified, now_s);
  }
  return only_candidate;
}

HeadEffect head_effect(const ResponseHead& head_response, const Validators& stored,
                       std::uint64_t stored_length) {
  if (head_response.status != 200 || stored.status != 200) return HeadEffect::kNone;
  const FieldList& fields = head_response.fields;
  const auto differs = [&](FieldId id, std::string_view own) {
    return fields.has(id) && fields.value(id) != own;
  };
  if (differs(FieldId::kEtag, stored.etag) || differs(FieldId::kLastModified, stored.last_modified) ||
      differs(FieldId::kContentLength, std::to_string(stored_length))) {
    return HeadEffect::kInvalidate;
  }
  return HeadEffect::kUpdate;
}

}  // namespace meridian::http
