#include "lib/http/authority.h"

#include <algorithm>
#include <charconv>

#include "lib/http/target_uri.h"

namespace meridian::http {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
bool is_name_char(char c) { return is_digit(c) || is_letter(c) || c == '-' || c == '.' || c == '_'; }
bool is_v6_char(char c) {
  return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f') || c == ':' || c == '.';
}

bool is_host(std::string_view host) {
  if (host.size() > 2 && host.front() == '[') {
    return host.back() == ']' && std::all_of(host.begin() + 1, host.end() - 1, is_v6_char);
  }
  return !host.empty() && host.front() != '.' && host.back() != '.' &&
         std::all_of(host.begin(), host.end(), is_name_char) && host.find("..") == std::string_view::npos;
}

std::string_view without_trailing_dot(std::string_view host) {
  if (host.size() > 1 && host.back() == '.') host.remove_suffix(1);
  return host;
}

// -1: no port number.
int port_number(std::string_view port) {
  int value = 0;
  for (char c : port) {
    if (!is_digit(c)) return -1;
    value = value * 10 + (c - '0');
    if (value > 65535) return -1;
  }
  return value;
}

// A name that is in normal form already, as nearly all are: one pass tells.
bool is_normal_name(std::string_view authority) {
  char previous = '.';
  for (char c : authority) {
    const bool plain =
        (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_' || (c == '.' && previous != '.');
    if (!plain) return false;
    previous = c;
  }
  return previous != '.';
}

}  // namespace

bool split_authority(std::string_view authority, std::string_view& host, std::string_view& port) {
  host = authority;
  port = {};
  if (authority.empty()) return true;
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon + 1);
  }
  host = without_trailing_dot(host);
  return is_host(host) && port_number(port) >= 0;
}

bool append_authority(std::string_view authority, int default_port, std::string& to) {
  if (is_normal_name(authority)) {
    to += authority;
    return true;
  }
  std::string_view host;
  std::string_view port;
  if (!split_authority(authority, host, port)) return false;
  for (char c : host) to += lower(c);
  const int number = port.empty() ? default_port : port_number(port);
  if (number == default_port) return true;
  char digits[6] = {':'};
  char* const end = std::to_chars(digits + 1, digits + sizeof(digits), number).ptr;
  to.append(digits, end);
  return true;
}

bool host_of(std::string_view authority, std::string& host) {
  std::string_view name;
  std::string_view port;
  host.clear();
  if (!split_authority(authority, name, port)) return false;
  for (char c : name) host += lower(c);
  return true;
}

}  // namespace meridian::http
