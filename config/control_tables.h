#pragma once

#include "config/allowed.h"
#include "config/control_config.h"
#include "config/tables.h"

// Walks the tables of meridian-control as config/tables.h walks those of an edge.
namespace meridian::config {

#define PARAM(key, member, kind, value, allowed, doc) visitor.param(#key, to.member, kind{}, allowed, doc);
#define OPTIONAL_BLOCK(key, member, type, doc) visitor.optional_block(#key, to.member, doc);

template <class Visitor>
void visit(Visitor& visitor, ControlTlsConfig& to) {
#include "config/params/control_tls.def"
}
template <class Visitor>
void visit(Visitor& visitor, ControlEtcdConfig& to) {
#include "config/params/control_etcd.def"
}
template <class Visitor>
void visit(Visitor& visitor, ControlConfig& to) {
#include "config/params/control.def"
}

#undef PARAM
#undef OPTIONAL_BLOCK

}  // namespace meridian::config
