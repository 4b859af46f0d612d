#include "lib/wire/cdn_loop.h"

#include <algorithm>

#include "lib/wire/parameters.h"

namespace meridian::wire {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// A pseudonym is a token; a host may also be an IPv6 address in brackets, and have a port.
bool is_cdn_id(std::string_view text) {
  if (is_token(text)) return true;
  constexpr std::string_view kInAddress = "0123456789abcdefABCDEF:.%[]-_~!$&'()*+,;=";
  const bool is_bracketed = !text.empty() && text.front() == '[';
  const std::size_t host_end = is_bracketed ? text.find(']') : text.find(':');
  if (host_end == std::string_view::npos) return false;
  const std::string_view host = text.substr(0, is_bracketed ? host_end + 1 : host_end);
  const std::string_view port = text.substr(host.size());
  const bool is_host =
      is_bracketed ? host.find_first_not_of(kInAddress) == std::string_view::npos : is_token(host);
  if (port.empty()) return is_host;
  return is_host && port.front() == ':' &&
         port.substr(1).find_first_not_of("0123456789") == std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

// Where the member at the front ends: at a comma that is not within quotes.
std::size_t member_end(std::string_view text) {
  bool is_quoted = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (is_quoted && text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      is_quoted = !is_quoted;
    } else if (text[at] == ',' && !is_quoted) {
      return at;
    }
  }
  return text.size();
}

}  // namespace

std::optional<CdnInfo> CdnLoopReader::next() {
  while (!rest_.empty() && !is_broken_) {
    const std::size_t end = member_end(rest_);
    const std::string_view member = trimmed(rest_.substr(0, end));
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    // Empty members count for nothing (RFC 9110 section 5.6.1.2).
    if (member.empty()) continue;
    const std::size_t semicolon = std::min(member.find(';'), member.size());
    const CdnInfo info{.id = trimmed(member.substr(0, semicolon)),
                       .parameters = member.substr(std::min(semicolon + 1, member.size()))};
    ParameterReader parameters(info.parameters);
    std::size_t count = 0;
    while (parameters.next()) ++count;
    const bool ends_in_semicolon = semicolon != member.size() && count == 0;
    is_broken_ = parameters.is_broken() || ends_in_semicolon || !is_cdn_id(info.id);
    if (!is_broken_) return info;
  }
  return std::nullopt;
}

std::optional<std::size_t> count_in_cdn_loop(std::string_view field, std::string_view id) {
  CdnLoopReader reader(field);
  std::size_t count = 0;
  while (const auto info = reader.next()) {
    const bool is_ours = std::equal(info->id.begin(), info->id.end(), id.begin(), id.end(),
                                    [](char a, char b) { return lower(a) == lower(b); });
    count += is_ours ? 1U : 0U;
  }
  return reader.is_broken() ? std::nullopt : std::optional(count);
}

std::string with_cdn_info(std::string_view field, std::string_view id) {
  std::string longer(trimmed(field));
  if (!longer.empty()) longer += ", ";
  return longer.append(id);
}

}  // namespace meridian::wire
