#include "lib/http/request_target.h"

#include <array>
#include <string>

#include "lib/http/authority.h"
#include "lib/http/chars.h"

namespace meridian::http {
namespace {

// Compared in normal form: case and the scheme's default port make no difference (RFC 9110 section 4.2.3).
bool same_authority(std::string_view a, std::string_view b, std::string_view scheme) {
  const int default_port = scheme == "https" ? 443 : 80;
  std::string normal_a;
  std::string normal_b;
  return append_authority(a, default_port, normal_a) && append_authority(b, default_port, normal_b) &&
         normal_a == normal_b;
}

constexpr std::array<bool, 256> kNameChars = [] {
  std::array<bool, 256> table{};
  for (char c = 'a'; c <= 'z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = '0'; c <= '9'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c : std::string_view("-._")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

// What nearly every Host is, a name or IPv4 address and perhaps a port, seen in one pass. False says nothing.
bool is_plain_authority(std::string_view text) {
  constexpr std::ptrdiff_t kPortBytes = 5;  // with the colon: below 10000, so that no port is too great
  const char* const end = text.data() + text.size();
  const char* p = text.data();
  for (char before = '.'; p != end && kNameChars[static_cast<unsigned char>(*p)]; before = *p++) {
    if (*p == '.' && before == '.') return false;
  }
  if (p == text.data()) return false;
  if (p == end) return true;
  if (*p != ':' || end - p > kPortBytes) return false;
  while (++p != end) {
    if (!is_digit(*p)) return false;
  }
  return true;
}

bool fail(BadMessage& bad, BadMessage reason) {
  bad = reason;
  return false;
}

// Takes "http://" or "https://" off the front; the scheme has no case (RFC 3986 section 3.1).
std::string_view take_scheme(std::string_view& target) {
  for (std::string_view scheme : {std::string_view("http"), std::string_view("https")}) {
    if (target.size() > scheme.size() + 3 && equals_ignoring_case(target.substr(0, scheme.size()), scheme) &&
        target.substr(scheme.size(), 3) == "://") {
      target.remove_prefix(scheme.size() + 3);
      return scheme;
    }
  }
  return {};
}

bool check_authority(std::string_view authority, const RequestHead& head, std::string_view scheme,
                     BadMessage& bad) {
  if (authority.find('@') != std::string_view::npos) return fail(bad, BadMessage::kUserinfo);
  if (!is_authority(authority)) return fail(bad, BadMessage::kBadTarget);
  if (head.fields.has(FieldId::kHost) &&
      !same_authority(authority, head.fields.value(FieldId::kHost), scheme)) {
    return fail(bad, BadMessage::kHostMismatch);
  }
  return true;
}

// RFC 9112 section 3.2.2. Host would count for nothing; one that differs is refused, as others might heed it.
// A query right behind the authority is refused, as its path could not be shown without rewriting.
bool resolve_absolute(std::string_view target, RequestHead& head, BadMessage& bad) {
  const std::string_view scheme = take_scheme(target);
  if (scheme.empty()) return fail(bad, BadMessage::kBadTarget);
  const std::size_t path = target.find_first_of("/?");
  const std::string_view authority = target.substr(0, path);
  if (!check_authority(authority, head, scheme, bad)) return false;
  if (path != std::string_view::npos && target[path] == '?') return fail(bad, BadMessage::kBadTarget);
  head.scheme = scheme;
  head.authority = authority;
  head.path = path == std::string_view::npos ? std::string_view("/") : target.substr(path);
  return true;
}

// RFC 9112 section 3.2.3: for CONNECT only, with a port.
bool resolve_authority(std::string_view target, RequestHead& head, BadMessage& bad) {
  std::string_view host;
  std::string_view port;
  if (!check_authority(target, head, "https", bad)) return false;
  if (!split_authority(target, host, port) || port.empty()) return fail(bad, BadMessage::kTargetForm);
  head.authority = target;
  head.path = {};
  return true;
}

}  // namespace

bool is_authority(std::string_view text) {
  if (is_plain_authority(text)) return true;
  std::string_view host;
  std::string_view port;
  return !text.empty() && split_authority(text, host, port);
}

bool resolve_target(std::string_view target, RequestHead& head, BadMessage& bad) {
  const std::string_view host = head.fields.value(FieldId::kHost);
  if (head.fields.has(FieldId::kHost) && !is_authority(host)) return fail(bad, BadMessage::kBadHost);
  if (head.method == Method::kConnect) return resolve_authority(target, head, bad);
  head.authority = host;
  head.path = target;
  if (target.front() == '/') return true;
  if (target == "*") return head.method == Method::kOptions || fail(bad, BadMessage::kTargetForm);
  return resolve_absolute(target, head, bad);
}

}  // namespace meridian::http
