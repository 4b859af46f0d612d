#pragma once

#include "config/allowed.h"
#include "config/edge_config.h"

// Walks the tables of config/params with a visitor that has
//   param(key, member, kind, allowed, doc), block(key, member, doc), optional_block(key, member, doc) and
//   blocks(key, member, least, most, doc)
// The loader and the reference page are two such visitors; neither knows any parameter by name.
namespace meridian::config {

#define PARAM(key, member, kind, value, allowed, doc) visitor.param(#key, to.member, kind{}, allowed, doc);
#define BLOCK(key, member, type, doc) visitor.block(#key, to.member, doc);
#define OPTIONAL_BLOCK(key, member, type, doc) visitor.optional_block(#key, to.member, doc);
#define BLOCKS(key, member, type, least, most, doc) visitor.blocks(#key, to.member, least, most, doc);

template <class Visitor>
void visit(Visitor& visitor, ListenTlsConfig& to) {
#include "config/params/listen_tls.def"
}
template <class Visitor>
void visit(Visitor& visitor, ListenConfig& to) {
#include "config/params/listen.def"
}
template <class Visitor>
void visit(Visitor& visitor, AdminConfig& to) {
#include "config/params/admin.def"
}
template <class Visitor>
void visit(Visitor& visitor, MemcachedConfig& to) {
#include "config/params/memcached.def"
}
template <class Visitor>
void visit(Visitor& visitor, SsdConfig& to) {
#include "config/params/ssd.def"
}
template <class Visitor>
void visit(Visitor& visitor, CacheConfig& to) {
#include "config/params/cache.def"
}
template <class Visitor>
void visit(Visitor& visitor, AccessLogConfig& to) {
#include "config/params/access_log.def"
}
template <class Visitor>
void visit(Visitor& visitor, LimitsConfig& to) {
#include "config/params/limits.def"
}
template <class Visitor>
void visit(Visitor& visitor, ResolverConfig& to) {
#include "config/params/resolver.def"
}
template <class Visitor>
void visit(Visitor& visitor, OriginConfig& to) {
#include "config/params/origin.def"
}
template <class Visitor>
void visit(Visitor& visitor, UpstreamTlsConfig& to) {
#include "config/params/upstream_tls.def"
}
template <class Visitor>
void visit(Visitor& visitor, UpstreamConfig& to) {
#include "config/params/upstream.def"
}
template <class Visitor>
void visit(Visitor& visitor, CachePolicyConfig& to) {
#include "config/params/cache_policy.def"
}
template <class Visitor>
void visit(Visitor& visitor, ForwardingConfig& to) {
#include "config/params/forwarding.def"
}
template <class Visitor>
void visit(Visitor& visitor, ErrorPagesConfig& to) {
#include "config/params/error_pages.def"
}
template <class Visitor>
void visit(Visitor& visitor, PeerConfig& to) {
#include "config/params/peer.def"
}
template <class Visitor>
void visit(Visitor& visitor, PeersTlsConfig& to) {
#include "config/params/peers_tls.def"
}
template <class Visitor>
void visit(Visitor& visitor, PeersConfig& to) {
#include "config/params/peers.def"
}
template <class Visitor>
void visit(Visitor& visitor, RegionConfig& to) {
#include "config/params/region.def"
}
template <class Visitor>
void visit(Visitor& visitor, SiteConfig& to) {
#include "config/params/site.def"
}
template <class Visitor>
void visit(Visitor& visitor, EdgeConfig& to) {
#include "config/params/edge.def"
}

#undef PARAM
#undef BLOCK
#undef OPTIONAL_BLOCK
#undef BLOCKS

}  // namespace meridian::config
