#include "lib/http/hop_by_hop.h"

#include <algorithm>

namespace meridian::http {
namespace {

// What Connection cannot strip: fields that caches, routing or security depend on.
constexpr FieldSet kProtected = {
    FieldId::kHost,
    FieldId::kContentLength,
    FieldId::kContentType,
    FieldId::kContentRange,
    FieldId::kContentEncoding,
    FieldId::kContentLocation,
    FieldId::kCacheControl,
    FieldId::kCdnCacheControl,
    FieldId::kMeridianCacheControl,
    FieldId::kAuthorization,
    FieldId::kCookie,
    FieldId::kSetCookie,
    FieldId::kIfMatch,
    FieldId::kIfNoneMatch,
    FieldId::kIfModifiedSince,
    FieldId::kIfRange,
    FieldId::kIfUnmodifiedSince,
    FieldId::kRange,
    FieldId::kAge,
    FieldId::kDate,
    FieldId::kExpires,
    FieldId::kVary,
    FieldId::kEtag,
    FieldId::kLastModified,
    FieldId::kXForwardedFor,
    FieldId::kXForwardedHost,
    FieldId::kXForwardedProto,
    FieldId::kForwarded,
    FieldId::kVia,
    FieldId::kXForwardedPort,
    FieldId::kXRealIp,
    FieldId::kCdnLoop,
    FieldId::kMaxForwards,
};

}  // namespace

ConnectionOptions::ConnectionOptions(const FieldList& fields) {
  if (!fields.has(FieldId::kConnection)) return;
  for (const Field& field : fields) {
    if (field.id != FieldId::kConnection) continue;
    for_each_member(field.value, [&](std::string_view option) {
      if (equals_ignoring_case(option, "close")) {
        close_ = true;
      } else if (equals_ignoring_case(option, "upgrade")) {
        upgrade_ = true;
      } else if (!equals_ignoring_case(option, "keep-alive") && !kProtected.has(field_id(option))) {
        names_.push_back(option);
      }
      return true;
    });
  }
}

bool ConnectionOptions::finds(const Field& field) const {
  return std::any_of(names_.begin(), names_.end(),
                     [&](std::string_view name) { return equals_ignoring_case(name, field.name); });
}

void append_end_to_end(const FieldList& from, const FieldSet& without,
                       std::span<const std::string> without_names, std::string& block) {
  const auto skip = [&](const Field& field) {
    return (field.id != FieldId::kOther && without.has(field.id)) || is_named(field, without_names);
  };
  FieldWriter to(block, bytes_of_lines(from));
  write_passing(from, skip, to);
}

bool is_named(const Field& field, std::span<const std::string> names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return name.size() == field.name.size() && equals_ignoring_case(name, field.name);
  });
}

}  // namespace meridian::http
