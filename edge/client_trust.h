#pragma once

#include <array>
#include <string>
#include <vector>

#include "lib/http/message.h"
#include "lib/net/address.h"

// Whom we believe when it speaks of its own client, and who that client is.
namespace meridian::edge {

// The networks that count for one request: those of its listener and those of its site.
struct TrustedNetworks {
  std::array<const std::vector<Cidr>*, 2> lists = {};  // nullptr: none

  bool has(const SocketAddress& address) const;
};

// The address that a client speaks from whose connection is `peer`'s: X-Forwarded-For is read from its end,
// the nearest hop, as far as each hop is one that we trust, for only a trusted hop's word on the one before
// it counts. What is no address ends the walk.
std::string client_behind(const http::FieldList& request, const SocketAddress& peer,
                          const TrustedNetworks& trusted);

}  // namespace meridian::edge
