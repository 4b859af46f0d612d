#pragma once

#include "config/allowed.h"
#include "config/origin_server_config.h"
#include "config/tables.h"

// Walks the tables of meridian-origin as config/tables.h walks those of an edge.
namespace meridian::config {

#define PARAM(key, member, kind, value, allowed, doc) visitor.param(#key, to.member, kind{}, allowed, doc);
#define BLOCK(key, member, type, doc) visitor.block(#key, to.member, doc);
#define BLOCKS(key, member, type, least, most, doc) visitor.blocks(#key, to.member, least, most, doc);

template <class Visitor>
void visit(Visitor& visitor, HeaderRuleConfig& to) {
#include "config/params/header_rule.def"
}
template <class Visitor>
void visit(Visitor& visitor, FaultConfig& to) {
#include "config/params/fault.def"
}
template <class Visitor>
void visit(Visitor& visitor, FaultListConfig& to) {
#include "config/params/fault_list.def"
}
template <class Visitor>
void visit(Visitor& visitor, OriginServerConfig& to) {
#include "config/params/origin_server.def"
}

#undef PARAM
#undef BLOCK
#undef BLOCKS

}  // namespace meridian::config
