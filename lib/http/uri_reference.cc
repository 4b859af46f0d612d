#include <algorithm>

#include "lib/http/target_uri.h"

namespace meridian::http {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_scheme_char(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

// The scheme of a reference; empty when it has none (RFC 3986 section 3.1).
std::string_view scheme_of(std::string_view reference) {
  const std::size_t colon = reference.find(':');
  if (colon == std::string_view::npos || colon == 0 || !is_letter(reference[0])) return {};
  const std::string_view scheme = reference.substr(0, colon);
  return std::all_of(scheme.begin(), scheme.end(), is_scheme_char) ? scheme : std::string_view();
}

std::string_view without_query(std::string_view path) { return path.substr(0, path.find('?')); }

// "//authority/path?query" behind the scheme.
void set_authority_and_path(std::string_view rest, ResolvedUri& to) {
  rest.remove_prefix(2);
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  to.authority = rest.substr(0, end);
  to.path = rest.substr(end);
  if (to.path.empty() || to.path[0] != '/') to.path.insert(0, "/");
}

// RFC 3986 section 5.2.2 for references without scheme and authority. Dot segments stay for make_key().
void set_relative(std::string_view base_path, std::string_view reference, ResolvedUri& to) {
  if (reference.empty()) {
    to.path = base_path;
  } else if (reference[0] == '/') {
    to.path = reference;
  } else if (reference[0] == '?') {
    to.path = without_query(base_path);
    to.path += reference;
  } else {
    const std::string_view folder = without_query(base_path);
    to.path = folder.substr(0, folder.rfind('/') + 1);
    to.path += reference;
  }
}

}  // namespace

bool resolve(const RequestHead& base, std::string_view reference, ResolvedUri& to) {
  reference = reference.substr(0, reference.find('#'));
  const std::string_view scheme = scheme_of(reference);
  to.scheme = base.scheme;
  to.authority = base.authority;
  if (!scheme.empty()) {
    if (!equals_ignoring_case(scheme, "http") && !equals_ignoring_case(scheme, "https")) return false;
    to.scheme = scheme;
    reference.remove_prefix(scheme.size() + 1);
    if (reference.substr(0, 2) != "//") return false;
  }
  if (reference.substr(0, 2) == "//")
    set_authority_and_path(reference, to);
  else
    set_relative(base.path.empty() || base.path[0] != '/' ? "/" : base.path, reference, to);
  return true;
}

}  // namespace meridian::http
