#include <algorithm>

#include "config/check_parts.h"
#include "config/values.h"

namespace meridian::config {
namespace {

// Names and addresses of edges, each once.
void check_edges(const std::vector<PeerConfig>& edges, const std::string& path, Seen& names,
                 Problems& problems) {
  Seen addresses(problems);
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const std::string edge_path = at(path, i);
    if (!edges[i].name.empty()) names.add(edges[i].name, edge_path + ".name", "name");
    const SocketAddress& address = edges[i].address;
    if (!address.valid()) continue;
    if (address.port() == 0 || address.is_any()) {
      problems.add(edge_path + ".address",
                   "found " + in_quotes(address.to_string()) +
                       ", which nobody can connect to; allowed: a full address and port");
    }
    addresses.add(address.to_string(), edge_path + ".address", "address");
  }
}

const PeerConfig* edge_named(const std::vector<PeerConfig>& edges, std::string_view name) {
  const auto found =
      std::find_if(edges.begin(), edges.end(), [&](const PeerConfig& e) { return e.name == name; });
  return found == edges.end() ? nullptr : &*found;
}

void check_peers(const PeersConfig& peers, Problems& problems) {
  Seen names(problems);
  check_edges(peers.members, "peers.members", names, problems);
  if (!peers.self.empty() && edge_named(peers.members, peers.self) == nullptr) {
    problems.add("peers.self",
                 "found " + in_quotes(peers.self) + "; allowed: the name of one of peers.members");
  }
  if (!peers.tls) {
    if (peers.listen.valid()) problems.add("peers.listen", "has no use without peers.tls");
    return;
  }
  check_readable(peers.tls->certificate_file, "peers.tls.certificate", problems);
  check_readable(peers.tls->key_file, "peers.tls.key", problems);
  check_readable(peers.tls->ca_file, "peers.tls.ca", problems);
}

// Edges with certificates come in by a listener of their own, which cannot be one of those for clients.
void check_edge_listener(const EdgeConfig& config, Problems& problems) {
  const PeersConfig& peers = *config.peers;
  if (!peers.tls) return;
  const PeerConfig* self = edge_named(peers.members, peers.self);
  const bool is_own = !peers.listen.valid();
  if (is_own && self == nullptr) return;
  const SocketAddress& address = is_own ? self->address : peers.listen;
  for (std::size_t i = 0; i < config.listen.size(); ++i) {
    if (!(config.listen[i].address == address) || address.port() == 0) continue;
    problems.add(is_own ? "peers.self" : "peers.listen",
                 "with peers.tls other edges come in at " + in_quotes(address.to_string()) + ", which is " +
                     at("listen", i) + "; allowed: an address of its own");
  }
}

// The own region may be listed too; then it must be the one that peers describes, or two edges would name two
// owners for one key.
void check_own_region(const EdgeConfig& config, const RegionConfig& own, const std::string& path,
                      Problems& problems) {
  if (!config.peers) return;
  for (std::size_t i = 0; i < own.edges.size(); ++i) {
    const PeerConfig* same = edge_named(config.peers->members, own.edges[i].name);
    if (same != nullptr && same->weight == own.edges[i].weight) continue;
    problems.add(at(path + ".edges", i),
                 "is of this edge's own region, but peers.members has no such name and weight");
  }
}

}  // namespace

void check_regions(const EdgeConfig& config, Problems& problems) {
  Seen names(problems), edges(problems);
  if (config.peers) {
    check_peers(*config.peers, problems);
    check_edge_listener(config, problems);
  }
  std::vector<std::string_view> known;
  for (std::size_t i = 0; i < config.regions.size(); ++i) {
    const RegionConfig& region = config.regions[i];
    const std::string path = at("regions", i);
    if (!region.name.empty()) names.add(region.name, path + ".name", "name");
    known.push_back(region.name);
    check_edges(region.edges, path + ".edges", edges, problems);
    if (region.name == config.region && !region.name.empty())
      check_own_region(config, region, path, problems);
  }
  for (std::size_t i = 0; i < config.sites.size(); ++i) {
    const std::string& shield = config.sites[i].shield;
    const std::string path = at("sites", i) + ".shield";
    if (shield.empty()) continue;
    if (std::find(known.begin(), known.end(), shield) == known.end() && shield != config.region) {
      const std::string_view near = nearest(shield, known);
      problems.add(path, "found " + in_quotes(shield) + "; allowed: the name of one of regions" +
                             (near.empty() ? "" : " (did you mean " + in_quotes(near) + "?)"));
    } else if (config.region.empty()) {
      problems.add(path, "needs `region`: an edge has to know whether it is in the shield itself");
    }
  }
}

void check_memcached(const EdgeConfig& config, Problems& problems) {
  if (!config.cache.memcached) return;
  const MemcachedConfig& memcached = *config.cache.memcached;
  Seen servers(problems);
  for (std::size_t i = 0; i < memcached.servers.size(); ++i) {
    servers.add(show(memcached.servers[i]), at("cache.memcached.servers", i), "server");
  }
  if (memcached.max_object_bytes > memcached.write_queue_bytes / 2) {
    problems.add("cache.memcached.max_object", "is more than half of cache.memcached.write_queue");
  }
  if (memcached.timeout_ms < memcached.get_budget_ms) {
    problems.add("cache.memcached.timeout", "is shorter than cache.memcached.get_budget");
  }
}

}  // namespace meridian::config
