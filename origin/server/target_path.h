#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace meridian::origin {

// What a request target asks for, decoded once: the file system is asked for `relative` and for nothing else.
struct TargetPath {
  std::string relative;          // decoded segments joined by '/', without one at either end; "" is the root
  bool wants_directory = false;  // the path ended in '/' (or in a dot segment)
  bool hidden = false;           // a segment begins with '.', other than a leading ".well-known" (RFC 8615)
  std::string_view query;        // as received, without '?'
};

enum class PathFault : unsigned char {
  kNone,
  kMalformed,  // bad percent-encoding or a NUL: 400
  kEscape,     // dot segments climb above the root: 400
  kNoSuch,     // cannot name a file: an encoded '/', a segment longer than file systems have: 404
};

// Decodes percent-encoding segment by segment, so that an encoded slash is never taken for a separator, and
// then removes dot segments (RFC 3986 section 5.2.4), whether they were encoded or not. Empty segments are
// skipped.
PathFault decode_target(std::string_view target, TargetPath& path);

// The canonical absolute path of `path`, percent-encoded, beginning with exactly one '/' (so that a redirect
// to it can never be read as //another-host).
std::string encode_path(const TargetPath& path, bool as_directory);

// Percent-decodes; nothing when the encoding is malformed. `plus_is_space` for query strings of forms.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);
std::string percent_encode_segment(std::string_view text);

// Query parameters in order, decoded. Nothing when one is malformed.
using QueryParameters = std::vector<std::pair<std::string, std::string>>;
std::optional<QueryParameters> parse_query(std::string_view query);

}  // namespace meridian::origin
