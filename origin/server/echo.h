#pragma once

#include <string>
#include <string_view>

#include "lib/http/message.h"
#include "origin/server/generated.h"

namespace meridian::origin {

// What came in, as JSON: method, target, version, authority, peer, fields in order, size and digest of the
// body.
std::string echo_json(const http::RequestHead& head, std::string_view peer, const BodyDigest& body);

}  // namespace meridian::origin
