#include "edge/site_table.h"

#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <tuple>

#include "lib/base/hash.h"

namespace meridian::edge {
namespace {

upstream::GroupOptions group_options(const config::SiteConfig& site) {
  const config::UpstreamConfig& from = site.upstream;
  upstream::GroupOptions to;
  to.name = site.name;
  for (const config::OriginConfig& origin : site.origins) {
    upstream::TargetOptions target;
    target.url = origin.url;
    target.weight = origin.weight;
    target.backup = origin.backup;
    target.limits = {from.response_line_bytes, from.response_header_bytes, from.response_header_count};
    to.targets.push_back(std::move(target));
  }
  to.balance = from.balance == config::Balance::kConsistentHash
                   ? upstream::GroupOptions::Balance::kConsistentHash
                   : upstream::GroupOptions::Balance::kLeastOfTwo;
  to.connect_timeout_ms = from.connect_timeout_ms;
  to.first_byte_timeout_ms = from.first_byte_timeout_ms;
  to.between_bytes_timeout_ms = from.between_bytes_timeout_ms;
  to.total_timeout_ms = from.total_timeout_ms;
  to.retries = from.retries;
  to.retry_budget = from.retry_budget;
  to.retry_backoff_ms = from.retry_backoff_ms;
  to.connections = from.connections;
  to.queue = from.queue;
  to.queue_timeout_ms = from.queue_timeout_ms;
  to.idle_connections = from.idle_connections;
  to.idle_timeout_ms = from.idle_timeout_ms;
  to.breaker_failures = from.breaker_failures;
  to.breaker_span_ms = from.breaker_span_ms;
  to.breaker_open_ms = from.breaker_open_ms;
  to.eject_error_rate = from.eject_error_rate;
  to.server_errors_count = from.server_errors_count;
  to.eject_ms = from.eject_ms;
  to.tls.verify = from.tls.verify;
  to.tls.ca_file = from.tls.ca_file;
  to.tls.certificate_file = from.tls.certificate_file;
  to.tls.key_file = from.tls.key_file;
  to.tls_server_name = from.tls.server_name;
  return to;
}

bool same(const upstream::GroupOptions& a, const upstream::GroupOptions& b) {
  const auto tie = [](const upstream::GroupOptions& o) {
    return std::tie(o.name, o.balance, o.connect_timeout_ms, o.first_byte_timeout_ms,
                    o.between_bytes_timeout_ms, o.total_timeout_ms, o.retries, o.retry_budget,
                    o.retry_backoff_ms, o.connections, o.queue, o.queue_timeout_ms, o.idle_connections,
                    o.idle_timeout_ms, o.breaker_failures, o.breaker_span_ms, o.breaker_open_ms,
                    o.eject_error_rate, o.server_errors_count, o.eject_ms, o.tls.verify, o.tls.ca_file,
                    o.tls.certificate_file, o.tls.key_file, o.tls_server_name);
  };
  const auto same_target = [](const upstream::TargetOptions& x, const upstream::TargetOptions& y) {
    return x.url == y.url && x.weight == y.weight && x.backup == y.backup &&
           x.limits.line_bytes == y.limits.line_bytes && x.limits.header_bytes == y.limits.header_bytes &&
           x.limits.header_count == y.limits.header_count;
  };
  return tie(a) == tie(b) &&
         std::equal(a.targets.begin(), a.targets.end(), b.targets.begin(), b.targets.end(), same_target);
}

// Lower case into a buffer; empty when the host is longer than a DNS name can be (RFC 1035 section 2.3.4).
std::string_view lower(std::string_view host, std::array<char, 256>& buffer) {
  if (host.size() > buffer.size()) return {};
  for (std::size_t i = 0; i < host.size(); ++i) {
    const char c = host[i];
    buffer[i] = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  }
  return {buffer.data(), host.size()};
}

}  // namespace

namespace {

// Reads NNN.html and Nxx.html from the folder. A file that cannot be read is an error: the operator meant it.
Result<void> read_error_pages(const std::string& folder, std::map<int, std::string>& pages) {
  if (folder.empty()) return {};
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failed)) {
    const std::string name = entry.path().filename().string();
    if (name.size() != 8 || !name.ends_with(".html") || name[0] < '4' || name[0] > '5') continue;
    const bool whole_class = name.substr(1, 2) == "xx";
    const bool digits = std::isdigit(static_cast<unsigned char>(name[1])) &&
                        std::isdigit(static_cast<unsigned char>(name[2]));
    if (!whole_class && !digits) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::string page((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (!file.is_open() || file.bad()) {
      return fail(ErrorCode::kIo, ErrorSource::kOperator,
                  "cannot read the error page " + entry.path().string());
    }
    pages[whole_class ? name[0] - '0' : std::stoi(name)] = std::move(page);
  }
  if (failed) {
    return fail(ErrorCode::kIo, ErrorSource::kOperator,
                "cannot read the folder of error pages " + folder + ": " + failed.message());
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const SiteTable>> SiteTable::make(const config::EdgeConfig& config,
                                                         const SiteTable* previous) {
  auto table = std::make_shared<SiteTable>();
  table->config_ = config;
  auto peers = PeerTable::make(config, previous == nullptr ? nullptr : previous->peers().get());
  if (!peers) return Failure(std::move(peers.error()));
  table->peers_ = *std::move(peers);
  for (const config::SiteConfig& site_config : config.sites) {
    auto site = std::make_unique<Site>();
    site->config = site_config;
    site->id = static_cast<std::uint32_t>(hash_bytes(site_config.name));
    site->origin_options = group_options(site_config);
    if (auto pages = read_error_pages(site_config.error_pages.directory, site->error_pages); !pages) {
      return Failure(pages.error());
    }
    for (std::size_t i = 0; previous != nullptr && i < previous->size() && !site->origins; ++i) {
      if (same(previous->at(i).origin_options, site->origin_options)) site->origins = previous->at(i).origins;
    }
    if (!site->origins) {
      auto group = upstream::make_shared_group(site->origin_options);
      if (!group) return Failure(group.error());
      site->origins = *std::move(group);
    }
    const std::size_t index = table->sites_.size();
    for (const config::HostPattern& pattern : site_config.hosts) {
      switch (pattern.kind) {
        case config::HostPattern::Kind::kExact:
          table->exact_.emplace(pattern.name, index);
          break;
        case config::HostPattern::Kind::kWildcard:
          table->wildcard_.emplace(pattern.name, index);
          break;
        case config::HostPattern::Kind::kAny:
          table->any_ = index;
          break;
      }
    }
    table->sites_.push_back(std::move(site));
  }
  return table;
}

std::size_t SiteTable::find(std::string_view host) const {
  if (exact_.empty() && wildcard_.empty()) return any_;
  std::array<char, 256> buffer;
  const std::string_view name = lower(host, buffer);
  if (const auto found = exact_.find(name); found != exact_.end()) return found->second;
  if (!wildcard_.empty()) {
    for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
      if (const auto found = wildcard_.find(name.substr(dot + 1)); found != wildcard_.end())
        return found->second;
    }
  }
  return any_;
}

}  // namespace meridian::edge
