#include "lib/http/invalidation.h"

#include <algorithm>

namespace meridian::http {
namespace {

void add_same_origin(const RequestHead& request, std::string_view reference, const TargetKey& target,
                     const UriPolicy& policy, std::vector<std::string>& keys) {
  ResolvedUri uri;
  TargetKey key;
  if (!resolve(request, reference, uri)) return;
  if (make_key(uri.scheme, uri.authority, uri.path, policy, key) != UriError::kNone) return;
  if (key.scheme() != target.scheme() || key.authority() != target.authority()) return;
  if (std::find(keys.begin(), keys.end(), key.text) == keys.end()) keys.push_back(key.text);
}

}  // namespace

bool invalidates(Method method, int status) { return !is_safe(method) && status >= 200 && status < 400; }

std::vector<std::string> invalidated_keys(const RequestHead& request, const ResponseHead& response,
                                          const UriPolicy& policy) {
  std::vector<std::string> keys;
  TargetKey target;
  if (!invalidates(request.method, response.status)) return keys;
  if (make_key(request, policy, target) != UriError::kNone) return keys;
  keys.push_back(target.text);
  for (FieldId id : {FieldId::kLocation, FieldId::kContentLocation}) {
    if (!response.fields.has(id)) continue;
    add_same_origin(request, response.fields.value(id), target, policy, keys);
  }
  return keys;
}

}  // namespace meridian::http
