#include "config/values.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "lib/http/http1.h"

namespace meridian::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
// The largest first, so that show() takes the largest that divides.
constexpr Unit kSizeUnits[] = {{"TiB", 1ULL << 40U},
                               {"GiB", 1ULL << 30U},
                               {"MiB", 1ULL << 20U},
                               {"KiB", 1ULL << 10U},
                               {"B", 1},
                               {"", 1}};
constexpr Unit kTimeUnits[] = {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};

template <class T>
std::optional<T> whole_number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <std::size_t N>
std::optional<std::uint64_t> with_unit(std::string_view text, const Unit (&units)[N], std::uint64_t most) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = whole_number<std::uint64_t>(text.substr(0, digits));
  if (!number) return std::nullopt;
  const std::string_view name = text.substr(digits);
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    if (*number > most / unit.factor) return std::nullopt;
    return *number * unit.factor;
  }
  return *number == 0 && name.empty() ? number : std::nullopt;
}

template <std::size_t N>
std::string show_with_unit(std::uint64_t value, const Unit (&units)[N]) {
  if (value == 0) return "0";
  for (const Unit& unit : units) {
    if (value % unit.factor == 0) return std::to_string(value / unit.factor).append(unit.name);
  }
  return std::to_string(value);
}

bool is_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// A registered name: labels of letters, digits, '-' and '_', at most 253 bytes.
bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  std::size_t label = 0;
  for (char c : name) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
    } else {
      if (!is_alnum(c) && c != '-' && c != '_') return false;
      if (++label > 63) return false;
    }
  }
  return label > 0;
}

bool is_ipv6_literal(std::string_view text) {
  return text.size() > 4 && text.front() == '[' && text.back() == ']' &&
         SocketAddress::parse(std::string(text) + ":1").has_value();
}

bool is_host(std::string_view text) { return is_host_name(text) || is_ipv6_literal(text); }

bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// The part of an authority behind its host: "" or ":1" to ":65535".
bool is_port_part(std::string_view text) {
  if (text.empty()) return true;
  if (text.front() != ':') return false;
  const auto port = whole_number<std::uint32_t>(text.substr(1));
  return port && *port >= 1 && *port <= 65535;
}

bool is_path(std::string_view path) {
  return std::all_of(path.begin(), path.end(), [](char c) {
    return c > 0x20 && c < 0x7f && c != '?' && c != '#' && c != '"' && c != '<' && c != '>' && c != '\\';
  });
}

}  // namespace

std::optional<std::uint64_t> parse(Bytes, std::string_view text) {
  return with_unit(text, kSizeUnits, std::numeric_limits<std::int64_t>::max());
}
std::optional<std::int64_t> parse(Milliseconds, std::string_view text) {
  // A hundred years: sums of such durations cannot overflow.
  const auto ms = with_unit(text, kTimeUnits, 100ULL * 365 * 86'400'000);
  return ms ? std::optional(static_cast<std::int64_t>(*ms)) : std::nullopt;
}
std::optional<std::uint32_t> parse(Seconds, std::string_view text) {
  const auto ms = parse(Milliseconds{}, text);
  if (!ms || *ms % 1000 != 0 || *ms / 1000 > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*ms / 1000);
}
std::optional<unsigned> parse(Count, std::string_view text) { return whole_number<unsigned>(text); }
std::optional<double> parse(Share, std::string_view text) {
  const auto value = whole_number<double>(text);
  if (!value || !std::isfinite(*value)) return std::nullopt;
  return value;
}
std::optional<bool> parse(Flag, std::string_view text) {
  for (std::string_view yes : {"true", "on", "yes"}) {
    if (text == yes) return true;
  }
  for (std::string_view no : {"false", "off", "no"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}
std::optional<std::string> parse(Text, std::string_view text) {
  return has_control_characters(text) ? std::nullopt : std::optional(std::string(text));
}
std::optional<std::string> parse(Token, std::string_view text) {
  return text.empty() || http::is_token(text) ? std::optional(std::string(text)) : std::nullopt;
}
std::optional<std::string> parse(FilePath, std::string_view text) { return parse(Text{}, text); }
std::optional<SocketAddress> parse(Address, std::string_view text) {
  auto address = SocketAddress::parse(text);
  return address ? std::optional(*address) : std::nullopt;
}
std::optional<std::string> parse(Url, std::string_view text) {
  const std::size_t mark = text.find("://");
  if (mark == std::string_view::npos) return std::nullopt;
  const std::string scheme = lower(text.substr(0, mark));
  if (scheme != "http" && scheme != "https") return std::nullopt;
  const std::string_view rest = text.substr(mark + 3);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view authority = rest.substr(0, slash);
  const std::string_view path = rest.substr(slash);
  const std::size_t bracket = authority.find(']');
  const std::size_t host_end =
      std::min(authority.find(':', bracket == std::string_view::npos ? 0 : bracket), authority.size());
  const std::string_view host = authority.substr(0, host_end);
  if (!is_host(host) || !is_port_part(authority.substr(host_end)) || !is_path(path)) return std::nullopt;
  return scheme + "://" + lower(authority) + std::string(path);
}

std::optional<HostPattern> parse_member(Hosts, std::string_view text) {
  using Kind = HostPattern::Kind;
  if (text == "*") return HostPattern{Kind::kAny, ""};
  if (text.size() > 1 && text.back() == '.') text.remove_suffix(1);
  if (text.substr(0, 2) == "*.") {
    const std::string_view below = text.substr(2);
    return is_host_name(below) ? std::optional(HostPattern{Kind::kWildcard, lower(below)}) : std::nullopt;
  }
  return is_host(text) ? std::optional(HostPattern{Kind::kExact, lower(text)}) : std::nullopt;
}
std::optional<Cidr> parse_member(Networks, std::string_view text) {
  auto network = Cidr::parse(text);
  return network ? std::optional(*network) : std::nullopt;
}
std::optional<std::string> parse_member(Tokens, std::string_view text) {
  return http::is_token(text) ? std::optional(std::string(text)) : std::nullopt;
}
std::optional<std::string> parse_member(Texts, std::string_view text) {
  return text.empty() || has_control_characters(text) ? std::nullopt : std::optional(std::string(text));
}
std::optional<WeightedServer> parse_member(Servers, std::string_view text) {
  WeightedServer server;
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const auto weight = whole_number<unsigned>(text.substr(slash + 1));
    if (!weight || *weight < 1 || *weight > 1000) return std::nullopt;
    server.weight = *weight;
    text = text.substr(0, slash);
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || !is_host(text.substr(0, colon))) return std::nullopt;
  const auto port = whole_number<std::uint16_t>(text.substr(colon + 1));
  if (!port || *port == 0) return std::nullopt;
  server.port = *port;
  server.host = lower(text.substr(0, colon));
  if (server.host.front() == '[') server.host = server.host.substr(1, server.host.size() - 2);
  return server;
}
std::optional<int> parse_status(std::string_view text) {
  const auto status = whole_number<int>(text);
  // 1xx is no answer; 206 and 304 are parts of others and have no lifetime of their own.
  if (text.size() != 3 || !status || *status < 200 || *status > 599 || *status == 206 || *status == 304)
    return {};
  return status;
}

std::string_view expected(Bytes) { return "a size such as 4096, 16KiB, 256MiB or 8GiB"; }
std::string_view expected(Milliseconds) { return "a duration such as 500ms, 30s, 5m, 2h or 1d"; }
std::string_view expected(Seconds) { return "a duration of whole seconds such as 30s, 5m, 2h or 1d"; }
std::string_view expected(Count) { return "a whole number"; }
std::string_view expected(Share) { return "a number such as 0.2"; }
std::string_view expected(Flag) { return "true | false"; }
std::string_view expected(Text) { return "text"; }
std::string_view expected(Token) { return "a token (letters, digits and !#$%&'*+-.^_`|~)"; }
std::string_view expected(FilePath) { return "the path of a file"; }
std::string_view expected(Address) {
  return "an address and port such as 127.0.0.1:8080, [::1]:8080 or :8080";
}
std::string_view expected(Url) {
  return "a url such as http://127.0.0.1:3000 or https://app.example.test/base";
}
std::string_view expected(Hosts) {
  return "a list of hosts, each www.example.test, *.example.test or * (no port)";
}
std::string_view expected(Networks) {
  return "a list of networks, each 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1";
}
std::string_view expected(Tokens) { return "a list of tokens such as [Accept-Language, X-Device]"; }
std::string_view expected(Texts) { return "a list of texts that are not empty"; }
std::string_view expected(Servers) {
  return "a list of servers, each host:port or host:port/weight (1 to 1000), such as [\"127.0.0.1:11211\"]";
}
std::string_view expected(StatusTtls) {
  return "statuses (200 to 599, not 206 or 304) with durations, such as { 404: 10s, 301: 1h }";
}

std::string show(Bytes, std::uint64_t value) { return show_with_unit(value, kSizeUnits); }
std::string show(Milliseconds, std::int64_t value) {
  return show_with_unit(static_cast<std::uint64_t>(value), kTimeUnits);
}
std::string show(Seconds, std::uint32_t value) { return show(Milliseconds{}, std::int64_t{value} * 1000); }
std::string show(Count, unsigned value) { return std::to_string(value); }
std::string show(Share, double value) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof(text), value);
  return error == std::errc() ? std::string(text, end) : std::string();
}
std::string show(Flag, bool value) { return value ? "true" : "false"; }
std::string show(const WeightedServer& server) {
  const bool is_v6 = server.host.find(':') != std::string::npos;
  return (is_v6 ? "[" + server.host + "]" : server.host) + ":" + std::to_string(server.port);
}
std::string show(const HostPattern& host) {
  switch (host.kind) {
    case HostPattern::Kind::kAny:
      return "*";
    case HostPattern::Kind::kWildcard:
      return "*." + host.name;
    case HostPattern::Kind::kExact:
      break;
  }
  return host.name;
}

}  // namespace meridian::config
