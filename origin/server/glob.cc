#include "origin/server/glob.h"

#include <cstddef>

namespace meridian::origin {
namespace {

// Where to go on when the text after a star did not match: the star takes one character more.
struct Retry {
  std::size_t pattern = std::string_view::npos;
  std::size_t path = 0;
  bool armed() const { return pattern != std::string_view::npos; }
};

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view path) {
  Retry segment;   // after the last `*`
  Retry anything;  // after the last `**`
  std::size_t p = 0;
  std::size_t s = 0;
  while (true) {
    if (p < pattern.size() && pattern[p] == '*') {
      const bool deep = p + 1 < pattern.size() && pattern[p + 1] == '*';
      p += deep ? 2 : 1;
      if (deep)
        anything = {p, s}, segment = {};
      else
        segment = {p, s};
      continue;
    }
    if (s == path.size() && p == pattern.size()) return true;
    const bool same = p < pattern.size() && s < path.size() &&
                      (pattern[p] == path[s] || (pattern[p] == '?' && path[s] != '/'));
    if (same) {
      ++p, ++s;
    } else if (segment.armed() && segment.path < path.size() && path[segment.path] != '/') {
      p = segment.pattern, s = ++segment.path;
    } else if (anything.armed() && anything.path < path.size()) {
      // An earlier `*` cannot help where a later `**` starts over: its own text has matched already.
      p = anything.pattern, s = ++anything.path, segment = {};
    } else {
      return false;
    }
  }
}

}  // namespace meridian::origin
