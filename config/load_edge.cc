#include "config/check.h"
#include "config/yaml_reader.h"

namespace meridian::config {
namespace {

// FNV-1a: enough to tell one version of a file from the next.
std::string version_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  std::string hex(16, '0');
  for (std::size_t i = 16; i-- > 0; hash >>= 4U) hex[i] = "0123456789abcdef"[hash & 15U];
  return hex;
}

}  // namespace

Result<EdgeConfig> load_edge_text(std::string_view text, const std::string& name) {
  Problems problems(name);
  ReadState state{problems, folder_of(name)};
  EdgeConfig config;
  config.source = name;
  config.version = version_of(text);
  read_document(text, state, config);
  if (state.values <= kMaxValues) complete_and_check(config, problems);
  if (!problems.empty()) return refused(problems);
  return config;
}

Result<EdgeConfig> load_edge(const std::string& path) {
  const auto text = read_file(path);
  return text ? load_edge_text(*text, path) : Result<EdgeConfig>(Failure(text.error()));
}

Result<EdgeConfig> edge_from_flags(std::string_view listen, std::string_view origin) {
  Problems problems("flags");
  EdgeConfig config;
  config.source = "flags";
  config.version = version_of(std::string(listen).append("\n").append(origin));
  if (const auto address = parse(Address{}, listen)) {
    config.listen.emplace_back().address = *address;
  } else {
    problems.wrong("--listen", in_quotes(listen), expected(Address{}));
  }
  SiteConfig& site = config.sites.emplace_back();
  site.hosts.push_back({HostPattern::Kind::kAny, ""});
  if (const auto url = parse(Url{}, origin)) {
    site.origins.emplace_back().url = *url;
  } else {
    problems.wrong("--origin", in_quotes(origin), expected(Url{}));
  }
  complete_and_check(config, problems);
  if (!problems.empty()) return refused(problems);
  return config;
}

http::ServerLimits server_limits(const LimitsConfig& limits) {
  return {.request_line_bytes = limits.request_line_bytes,
          .header_bytes = limits.header_bytes,
          .header_count = limits.header_count,
          .body_bytes = limits.body_bytes,
          .header_timeout_ms = limits.header_timeout_ms,
          .body_timeout_ms = limits.body_timeout_ms,
          .write_timeout_ms = limits.write_timeout_ms,
          .idle_timeout_ms = limits.idle_timeout_ms,
          .requests_per_connection = limits.requests_per_connection};
}

}  // namespace meridian::config
