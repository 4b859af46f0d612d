#include "config/check.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "config/check_parts.h"
#include "config/values.h"

namespace meridian::config {

void check_readable(const std::string& file, const std::string& path, Problems& problems) {
  struct stat info {};
  if (stat(file.c_str(), &info) != 0 || access(file.c_str(), R_OK) != 0) {
    problems.add(path, "cannot read " + in_quotes(file) + ": " + std::strerror(errno));
  } else if (!S_ISREG(info.st_mode)) {
    problems.add(path, in_quotes(file) + " is not a file");
  }
}

namespace {

void check_folder(const std::string& folder, const std::string& path, Problems& problems) {
  struct stat info {};
  if (stat(folder.c_str(), &info) != 0) {
    problems.add(path, "cannot read " + in_quotes(folder) + ": " + std::strerror(errno));
  } else if (!S_ISDIR(info.st_mode)) {
    problems.add(path, in_quotes(folder) + " is not a folder");
  }
}

// Port 0 lets the kernel choose, so two of those never collide.
void check_listeners(const EdgeConfig& config, Problems& problems) {
  Seen addresses(problems);
  for (std::size_t i = 0; i < config.listen.size(); ++i) {
    const ListenConfig& listen = config.listen[i];
    const std::string path = at("listen", i);
    if (listen.address.valid() && listen.address.port() != 0) {
      addresses.add(listen.address.to_string(), path + ".address", "address");
    }
    if (listen.tls && !listen.tls->certificate.empty()) {
      check_readable(listen.tls->certificate, path + ".tls.certificate", problems);
    }
    if (listen.tls && !listen.tls->key.empty()) check_readable(listen.tls->key, path + ".tls.key", problems);
  }
  const AdminConfig& admin = config.admin;
  if (admin.address.valid() && admin.address.port() != 0) {
    addresses.add(admin.address.to_string(), "admin.address", "address");
  }
  if (admin.token_file.empty()) return;
  if (!admin.address.valid()) problems.add("admin.token_file", "has no use without admin.address");
  check_readable(admin.token_file, "admin.token_file", problems);
  std::string token;
  std::ifstream file(admin.token_file);
  if (file && !std::getline(file, token))
    problems.add("admin.token_file", "the file has no token in its first line");
}

// The authority of an origin's url.
std::string_view authority_of(std::string_view url) {
  url.remove_prefix(std::min(url.find("://") + 3, url.size()));
  return url.substr(0, url.find('/'));
}

void check_origins(const EdgeConfig& config, const SiteConfig& site, const std::string& path,
                   Problems& problems) {
  Seen urls(problems);
  bool all_backup = !site.origins.empty();
  for (std::size_t i = 0; i < site.origins.size(); ++i) {
    const OriginConfig& origin = site.origins[i];
    const std::string origin_path = at(path + ".origins", i);
    all_backup = all_backup && origin.backup;
    if (origin.url.empty()) continue;
    urls.add(origin.url, origin_path + ".url", "origin");
    for (const ListenConfig& listen : config.listen) {
      if (listen.address.valid() && authority_of(origin.url) == listen.address.to_string()) {
        problems.add(origin_path + ".url",
                     "is this edge's own listener: every request would come back to it");
      }
    }
  }
  if (all_backup) problems.add(path + ".origins", "all are backups; allowed: at least one that is not");
}

void check_upstream_tls(const UpstreamTlsConfig& tls, const std::string& path, Problems& problems) {
  if (tls.certificate_file.empty() != tls.key_file.empty()) {
    problems.add(path, "certificate and key are allowed only together");
  }
  if (!tls.ca_file.empty()) check_readable(tls.ca_file, path + ".ca", problems);
  if (!tls.certificate_file.empty()) check_readable(tls.certificate_file, path + ".certificate", problems);
  if (!tls.key_file.empty()) check_readable(tls.key_file, path + ".key", problems);
}

void check_sites(EdgeConfig& config, Problems& problems) {
  Seen hosts(problems), names(problems);
  for (std::size_t i = 0; i < config.sites.size(); ++i) {
    SiteConfig& site = config.sites[i];
    const std::string path = at("sites", i);
    for (std::size_t j = 0; j < site.hosts.size(); ++j) {
      hosts.add(show(site.hosts[j]), at(path + ".hosts", j), "host");
    }
    if (site.name.empty() && !site.hosts.empty()) site.name = show(site.hosts.front());
    if (!site.name.empty()) names.add(site.name, path + ".name", "name");
    check_origins(config, site, path, problems);
    check_upstream_tls(site.upstream.tls, path + ".upstream.tls", problems);
    for (std::size_t j = 0; j < site.methods.size(); ++j) {
      if (site.methods[j] == "CONNECT" || site.methods[j] == "TRACE") {
        problems.add(at(path + ".methods", j), "found " + site.methods[j] + ", which is always refused");
      }
    }
    const std::uint64_t for_all = config.limits.body_bytes;
    if (for_all != 0 && site.body_limit_bytes > for_all) {
      problems.add(path + ".body_limit",
                   "is larger than limits.body, which holds for all sites; allowed: at most " +
                       std::to_string(for_all) + " bytes");
    }
    if (!site.error_pages.directory.empty()) {
      check_folder(site.error_pages.directory, path + ".error_pages.directory", problems);
    }
  }
}

void check_ssd(const SsdConfig& ssd, Problems& problems) {
  if (!ssd.path.empty()) check_folder(ssd.path, "cache.ssd.path", problems);
  if (!ssd.key_file.empty()) check_readable(ssd.key_file, "cache.ssd.key_file", problems);
  // What is moved to and from the disk is whole pages.
  if (ssd.chunk_bytes % (4 * kKiB) != 0) problems.add("cache.ssd.chunk", "is not a multiple of 4KiB");
}

void check_access_log(const AccessLogConfig& log, Problems& problems) {
  const std::size_t slash = log.path.rfind('/');
  if (slash == std::string::npos || slash == 0) return;
  check_folder(log.path.substr(0, slash), "access_log.path", problems);
}

}  // namespace

void complete_and_check(EdgeConfig& config, Problems& problems) {
  check_listeners(config, problems);
  check_sites(config, problems);
  check_access_log(config.access_log, problems);
  check_memcached(config, problems);
  check_regions(config, problems);
  if (config.cache.ssd) check_ssd(*config.cache.ssd, problems);
  if (config.resolver.min_ttl_ms > config.resolver.max_ttl_ms) {
    problems.add("resolver.min_ttl", "is longer than resolver.max_ttl");
  }
}

}  // namespace meridian::config
