#include "lib/base/check.h"
#include "origin/server/coding.h"
#include "origin/server/glob.h"
#include "origin/server/target_path.h"

// What the reference origin makes of a request target: no decoded path may name anything but what is below
// the root, and what is encoded again means the same.
namespace {

using meridian::origin::PathFault;
using meridian::origin::TargetPath;

void check_relative(std::string_view relative) {
  CHECK(relative.empty() || (relative.front() != '/' && relative.back() != '/'));
  CHECK(relative.find('\0') == std::string_view::npos);
  while (!relative.empty()) {
    const std::size_t slash = relative.find('/');
    const std::string_view segment = relative.substr(0, slash);
    CHECK(!segment.empty() && segment != "." && segment != "..");
    relative.remove_prefix(slash == std::string_view::npos ? relative.size() : slash + 1);
  }
}

void check_encoding(const TargetPath& path) {
  const std::string encoded = encode_path(path, path.wants_directory);
  CHECK(encoded.front() == '/' && encoded.substr(0, 2) != "//");
  CHECK(encoded.find_first_of("\r\n \\?#") == std::string::npos);
  TargetPath again;
  CHECK(decode_target(encoded, again) == PathFault::kNone);
  CHECK(again.relative == path.relative && again.hidden == path.hidden);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  TargetPath path;
  if (decode_target(text, path) == PathFault::kNone) {
    check_relative(path.relative);
    check_encoding(path);
    CHECK(meridian::origin::glob_matches("/**", "/" + path.relative));
  }
  (void)meridian::origin::parse_query(path.query);
  CHECK(meridian::origin::acceptable_codings(text).size() <= meridian::origin::kCodings.size());
  // A pattern matches itself unless it has wildcards.
  if (text.find_first_of("*?") == std::string_view::npos) CHECK(meridian::origin::glob_matches(text, text));
  if (size > 1) {
    const std::size_t half = 1 + data[0] % (size - 1);
    (void)meridian::origin::glob_matches(text.substr(0, half), text.substr(half));
  }
  return 0;
}
