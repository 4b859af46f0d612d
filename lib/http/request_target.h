#pragma once

#include <string_view>

#include "lib/http/bad_message.h"
#include "lib/http/message.h"

// The four forms of a request target (RFC 9112 section 3.2) and how they go with Host.
namespace meridian::http {

// Sets scheme, authority and path of `head`, whose method, version and fields are known. False: `bad` says
// why.
bool resolve_target(std::string_view target, RequestHead& head, BadMessage& bad);

// A host name or IP literal with an optional port, as split_authority() takes them. Narrower than the grammar
// of RFC 3986 section 3.2.2: percent-encodings and sub-delimiters, which no DNS name has, are refused, as
// different readers take them for different hosts.
bool is_authority(std::string_view text);

}  // namespace meridian::http
