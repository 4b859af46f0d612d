#include "edge/client_trust.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace meridian::edge {
namespace {

struct HopCase {
  std::string_view peer;
  std::vector<std::string_view> lines;  // of X-Forwarded-For
  std::string_view client;
};

TEST(ClientTrust, WalksFromTheNearestHopAsFarAsItIsTrusted) {
  const std::vector<Cidr> listener = {*Cidr::parse("10.0.0.0/8")};
  const std::vector<Cidr> site = {*Cidr::parse("2001:db8::/32")};
  const TrustedNetworks trusted = {{&listener, &site}};
  const HopCase cases[] = {
      {"192.0.2.1", {"203.0.113.9"}, "192.0.2.1"},  // nobody that we trust said so
      {"10.0.0.1", {}, "10.0.0.1"},
      {"10.0.0.1", {""}, "10.0.0.1"},
      {"10.0.0.1", {"203.0.113.9"}, "203.0.113.9"},
      {"10.0.0.1",
       {"6.6.6.6, 203.0.113.9"},
       "203.0.113.9"},  // what the client itself sent stands on the left
      {"10.0.0.1", {"203.0.113.9, 10.0.0.2"}, "203.0.113.9"},
      {"10.0.0.1", {"6.6.6.6, 203.0.113.9", "10.0.0.3, 10.0.0.2"}, "203.0.113.9"},
      {"10.0.0.1", {"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},  // all of them ours: the farthest
      {"2001:db8::5", {"203.0.113.9"}, "203.0.113.9"},
      {"10.0.0.1", {"203.0.113.9:4711"}, "203.0.113.9"},
      {"10.0.0.1", {"2001:db9::1"}, "2001:db9::1"},
      {"10.0.0.1", {"[2001:db9::1]:4711"}, "2001:db9::1"},
      {"10.0.0.1", {"203.0.113.9, unknown"}, "10.0.0.1"},
      {"10.0.0.1", {"203.0.113.9, unknown, 10.0.0.2"}, "10.0.0.2"},
      {"10.0.0.1", {"203.0.113.9,"}, "10.0.0.1"},
      {"10.0.0.1", {"["}, "10.0.0.1"},
      {"10.0.0.1", {"[::1"}, "10.0.0.1"},
  };
  int number = 0;
  for (const HopCase& c : cases) {
    http::FieldList fields;
    for (const std::string_view line : c.lines) fields.add(http::FieldId::kXForwardedFor, line);
    const SocketAddress peer = *SocketAddress::from_ip(c.peer, 1);
    EXPECT_EQ(client_behind(fields, peer, trusted), c.client) << "case " << number;
    EXPECT_EQ(client_behind(fields, peer, {}), peer.ip()) << "case " << number;
    ++number;
  }
}

}  // namespace
}  // namespace meridian::edge
