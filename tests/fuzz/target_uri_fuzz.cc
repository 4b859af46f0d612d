#include "lib/base/check.h"
#include "lib/http/target_uri.h"

// Input: an authority, a line feed, and a target. A key must be its own normal form, printable, and free of
// dot segments; resolving any reference must end in a key or a refusal.
namespace {

namespace http = meridian::http;

bool has_dot_segment(std::string_view path) {
  path = path.substr(0, path.find('?'));
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment == "." || segment == "..") return true;
    path.remove_prefix(segment.size());
  }
  return false;
}

void check_key(const http::TargetKey& key, const http::UriPolicy& policy) {
  for (char c : key.text) {
    const auto byte = static_cast<unsigned char>(c);
    CHECK(byte > 0x20 && byte != 0x7f && c != '#');
  }
  CHECK(key.path().front() == '/' && !has_dot_segment(key.path()));
  http::TargetKey again;
  CHECK(http::make_key(key.scheme(), key.authority(), key.path(), policy, again) == http::UriError::kNone);
  CHECK(again.text == key.text && again.path_begin == key.path_begin);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line_end = text.find('\n');
  if (line_end == std::string_view::npos) return 0;
  const std::string_view authority = text.substr(0, line_end);
  const std::string_view target = text.substr(line_end + 1);
  http::UriPolicy strict;
  strict.sort_query = true;
  strict.drop_parameters = {"utm_*", "*b*c"};
  http::TargetKey key;
  for (const http::UriPolicy& policy : {http::UriPolicy(), strict}) {
    if (http::make_key("http", authority, target, policy, key) == http::UriError::kNone)
      check_key(key, policy);
  }
  http::RequestHead base;
  base.scheme = "http";
  base.authority = "h";
  base.path = "/b/c/d?q";
  http::ResolvedUri uri;
  if (!http::resolve(base, target, uri)) return 0;
  if (http::make_key(uri.scheme, uri.authority, uri.path, {}, key) == http::UriError::kNone)
    check_key(key, {});
  return 0;
}
