#include "origin/upstream/origin_url.h"

#include <algorithm>
#include <charconv>

namespace meridian::upstream {
namespace {

Failure refused(std::string_view url, std::string_view why) {
  return fail(ErrorCode::kInvalid, ErrorSource::kOperator,
              "origin url '" + std::string(url) + "': " + std::string(why));
}

bool take_scheme(std::string_view& rest, bool& tls) {
  constexpr std::string_view kHttp = "http://";
  constexpr std::string_view kHttps = "https://";
  if (rest.starts_with(kHttp)) {
    rest.remove_prefix(kHttp.size());
    tls = false;
    return true;
  }
  if (!rest.starts_with(kHttps)) return false;
  rest.remove_prefix(kHttps.size());
  tls = true;
  return true;
}

// Splits "host", "host:port" or "[v6]:port"; false when it is none.
bool split_authority(std::string_view authority, std::string_view& host, std::string_view& port) {
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return false;
    host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
    return !host.empty() && (port.empty() || port.front() == ':');
  }
  const std::size_t colon = std::min(authority.find(':'), authority.size());
  host = authority.substr(0, colon);
  port = authority.substr(colon);
  return !host.empty();
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
         c == '_' || c == ':' || c == '%';
}

bool is_path_character(char c) { return c > ' ' && c < 0x7f && c != '?' && c != '#'; }

}  // namespace

Result<OriginUrl> OriginUrl::parse(std::string_view url) {
  OriginUrl out;
  std::string_view rest = url;
  if (!take_scheme(rest, out.tls)) return refused(url, "it must begin with http:// or https://");
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view authority = rest.substr(0, slash);
  std::string_view base = rest.substr(slash);
  std::string_view host;
  std::string_view port;
  if (!split_authority(authority, host, port) || !std::all_of(host.begin(), host.end(), is_host_character)) {
    return refused(url, "its host is none");
  }
  if (!std::all_of(base.begin(), base.end(), is_path_character))
    return refused(url, "its path may have no query or fragment");
  out.port = out.tls ? 443 : 80;
  if (!port.empty()) {
    port.remove_prefix(1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (error != std::errc() || end != port.data() + port.size() || out.port == 0)
      return refused(url, "its port is none");
  }
  const bool default_port = out.port == (out.tls ? 443 : 80);
  if (default_port && !port.empty()) authority.remove_suffix(port.size() + 1);
  out.authority = authority;
  out.host = host;
  for (char& c : out.host) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  while (base.ends_with('/')) base.remove_suffix(1);
  out.base_path = base;
  return out;
}

}  // namespace meridian::upstream
