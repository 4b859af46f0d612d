#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/choices.h"
#include "config/kinds.h"
#include "lib/base/result.h"
#include "lib/http/server.h"

// What an operator can set of an edge, as plain values. The members of these structs, their defaults, their
// bounds and their documentation are declared once, in config/params/*.def:
//
//   PARAM(key, member, kind, default, allowed, doc)    `kind` of config/kinds.h; `allowed` of
//   config/allowed.h BLOCK(key, member, struct, doc)                    a nested mapping, with its defaults
//   when absent OPTIONAL_BLOCK(key, member, struct, doc)           std::optional of it BLOCKS(key, member,
//   struct, least, most, doc)      a list of mappings
//
// A struct below is its table; read the table to see the members. docs/reference/configuration.md is made
// from it too.
namespace meridian::config {

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;
inline constexpr std::uint64_t kTiB = 1024 * kGiB;

#define PARAM(key, member, kind, value, allowed, doc) kind::Value member = value;
#define BLOCK(key, member, type, doc) type member;
#define OPTIONAL_BLOCK(key, member, type, doc) std::optional<type> member;
#define BLOCKS(key, member, type, least, most, doc) std::vector<type> member;

struct ListenTlsConfig {
#include "config/params/listen_tls.def"
};
struct ListenConfig {
#include "config/params/listen.def"
};
struct AdminConfig {
#include "config/params/admin.def"
};
struct MemcachedConfig {
#include "config/params/memcached.def"
};
struct SsdConfig {
#include "config/params/ssd.def"
};
struct CacheConfig {
#include "config/params/cache.def"
};
struct AccessLogConfig {
#include "config/params/access_log.def"
};
struct LimitsConfig {
#include "config/params/limits.def"
};
struct ResolverConfig {
#include "config/params/resolver.def"
};
struct OriginConfig {
#include "config/params/origin.def"
};
struct UpstreamTlsConfig {
#include "config/params/upstream_tls.def"
};
struct UpstreamConfig {
#include "config/params/upstream.def"
};
struct CachePolicyConfig {
#include "config/params/cache_policy.def"
};
struct ForwardingConfig {
#include "config/params/forwarding.def"
};
struct ErrorPagesConfig {
#include "config/params/error_pages.def"
};
struct PeerConfig {
#include "config/params/peer.def"
};
struct PeersTlsConfig {
#include "config/params/peers_tls.def"
};
struct PeersConfig {
#include "config/params/peers.def"
};
struct RegionConfig {
#include "config/params/region.def"
};
struct SiteConfig {
#include "config/params/site.def"
};
struct EdgeConfig {
#include "config/params/edge.def"
  std::string source;   // the file's name, or "flags"
  std::string version;  // 16 hex digits that change with the file's text; shown in metrics and logs
};

#undef PARAM
#undef BLOCK
#undef OPTIONAL_BLOCK
#undef BLOCKS

// Reads and checks a file. On failure the error's context has one line for each mistake found, each as
// "file:line:column: key: what was found, what is allowed". Relative paths in it are taken from the file's
// folder and come out resolved.
[[nodiscard]] Result<EdgeConfig> load_edge(const std::string& path);
// The same for text in memory; `name` is what errors call it, and relative paths are taken from its folder.
[[nodiscard]] Result<EdgeConfig> load_edge_text(std::string_view text, const std::string& name);
// The one-line form: one listener, one origin, every host, the defaults.
[[nodiscard]] Result<EdgeConfig> edge_from_flags(std::string_view listen, std::string_view origin);

// The limits of a connection in the words of lib/http.
http::ServerLimits server_limits(const LimitsConfig& limits);

}  // namespace meridian::config
