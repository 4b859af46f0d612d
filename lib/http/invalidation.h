#pragma once

#include <string>
#include <vector>

#include "lib/http/message.h"
#include "lib/http/target_uri.h"

// Invalidation of stored responses by unsafe requests (RFC 9111 section 4.4).
namespace meridian::http {

// An unsafe (or unknown) method, and a status of 2xx or 3xx.
bool invalidates(Method method, int status);

// The keys to invalidate: the target's, and those of Location and Content-Location when they have the same
// origin (scheme, host and port). Each key once. Empty when invalidates() is false. All variants of a key are
// meant.
std::vector<std::string> invalidated_keys(const RequestHead& request, const ResponseHead& response,
                                          const UriPolicy& policy);

}  // namespace meridian::http
