#include "edge/client_trust.h"

#include <algorithm>
#include <string_view>

namespace meridian::edge {
namespace {

// "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80": all are seen in X-Forwarded-For.
Result<SocketAddress> parse_hop(std::string_view text) {
  const bool bracketed = !text.empty() && text.front() == '[';
  const bool has_port = bracketed || std::count(text.begin(), text.end(), ':') == 1;
  if (bracketed) {
    const std::size_t end = std::min(text.find(']'), text.size());
    return SocketAddress::from_ip(end == text.size() ? std::string_view() : text.substr(1, end - 1), 0);
  }
  return SocketAddress::from_ip(has_port ? text.substr(0, text.find(':')) : text, 0);
}

}  // namespace

bool TrustedNetworks::has(const SocketAddress& address) const {
  const auto contains = [&](const Cidr& network) { return network.contains(address); };
  return std::any_of(lists.begin(), lists.end(), [&](const std::vector<Cidr>* list) {
    return list != nullptr && std::any_of(list->begin(), list->end(), contains);
  });
}

std::string client_behind(const http::FieldList& request, const SocketAddress& peer,
                          const TrustedNetworks& trusted) {
  if (!request.has(http::FieldId::kXForwardedFor) || !trusted.has(peer)) return peer.ip();
  std::string joined;
  std::string_view hops = request.combined(http::FieldId::kXForwardedFor, joined);
  SocketAddress client = peer;
  while (!hops.empty() && trusted.has(client)) {
    const std::size_t comma = hops.rfind(',');
    const std::string_view last = comma == std::string_view::npos ? hops : hops.substr(comma + 1);
    hops = comma == std::string_view::npos ? std::string_view() : hops.substr(0, comma);
    const Result<SocketAddress> hop = parse_hop(http::trim(last));
    if (!hop) break;
    client = *hop;
  }
  return client.ip();
}

}  // namespace meridian::edge
