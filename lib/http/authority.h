#pragma once

#include <string>
#include <string_view>

// The authority of an http(s) URI (RFC 3986 section 3.2): host and port, never user information.
namespace meridian::http {

// Takes "host", "host:port", "[v6]" or "[v6]:port" apart. False when it is none of these: empty or foreign
// characters in the host, a port that is no number or above 65535. `port` is "" when absent or empty. An
// empty authority is an empty host (HTTP/1.0 has no Host).
bool split_authority(std::string_view authority, std::string_view& host, std::string_view& port);

// Appends the normal form: host in lower case without a trailing dot, the port without leading zeros unless
// it is `default_port`. False, with nothing meaningful appended, when split_authority() fails.
bool append_authority(std::string_view authority, int default_port, std::string& to);

}  // namespace meridian::http
