#include "lib/net/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cstring>

namespace meridian {
namespace {

TEST(SocketAddressTest, ParsesWhatItPrints) {
  for (const char* text : {"127.0.0.1:80", "[::1]:443", "0.0.0.0:0", "[2001:db8::1]:65535", "[::]:8080"}) {
    const auto address = SocketAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_string(), text);
    EXPECT_EQ(SocketAddress::from(address->raw(), address->raw_size()), *address);
  }
}

TEST(SocketAddressTest, NoHostMeansAnyAddress) {
  const auto address = SocketAddress::parse(":8080");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->to_string(), "0.0.0.0:8080");
  EXPECT_TRUE(address->is_any());
  EXPECT_TRUE(SocketAddress::parse("[::]:1")->is_any());
  EXPECT_FALSE(SocketAddress::parse("127.0.0.1:1")->is_any());
}

TEST(SocketAddressTest, RefusesWhatIsNoAddress) {
  for (const char* text :
       {"", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+80",
        "127.0.0.1: 80", "127.0.0.1:80 ", "::1:80", "[::1]", "[127.0.0.1]:80", "localhost:80",
        "127.0.0.01:80", "127.1:80", "[::1:80", "::1]:80", "[fe80::1%lo]:80", "127.0.0.1:0x50"}) {
    const auto address = SocketAddress::parse(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code, ErrorCode::kInvalid);
    EXPECT_NE(address.error().context.find("\"" + std::string(text) + "\""), std::string::npos);
  }
}

TEST(SocketAddressTest, ComparesFamilyAddressAndPort) {
  const auto a = SocketAddress::parse("10.0.0.1:80").value();
  EXPECT_EQ(a, SocketAddress::parse("10.0.0.1:80").value());
  EXPECT_FALSE(a == SocketAddress::parse("10.0.0.1:81").value());
  EXPECT_FALSE(a == SocketAddress::parse("10.0.0.2:80").value());
  EXPECT_FALSE(a == SocketAddress::parse("[::ffff:10.0.0.1]:80").value());
  EXPECT_FALSE(SocketAddress::parse("[::1]:80").value() == SocketAddress::parse("[::2]:80").value());
}

TEST(SocketAddressTest, OtherFamiliesAreNotValid) {
  sockaddr_storage storage{};
  storage.ss_family = AF_UNIX;
  EXPECT_FALSE(SocketAddress::from(reinterpret_cast<const sockaddr*>(&storage), sizeof storage).valid());
  EXPECT_FALSE(SocketAddress().valid());
  EXPECT_EQ(SocketAddress().to_string(), "");
}

TEST(SocketAddressTest, PortCanBeSet) {
  auto address = SocketAddress::parse("[::1]:1").value();
  address.set_port(4443);
  EXPECT_EQ(address.port(), 4443);
  EXPECT_EQ(address.to_string(), "[::1]:4443");
}

struct CidrCase {
  const char* network;
  const char* ip;
  bool contains;
};

class CidrTable : public testing::TestWithParam<CidrCase> {};

TEST_P(CidrTable, Contains) {
  const auto network = Cidr::parse(GetParam().network);
  ASSERT_TRUE(network);
  EXPECT_EQ(network->contains(SocketAddress::from_ip(GetParam().ip, 1).value()), GetParam().contains)
      << GetParam().network << " " << GetParam().ip;
}

INSTANTIATE_TEST_SUITE_P(
    Networks, CidrTable,
    testing::Values(CidrCase{"10.0.0.0/8", "10.255.255.255", true}, CidrCase{"10.0.0.0/8", "11.0.0.0", false},
                    CidrCase{"10.0.0.7/8", "10.1.2.3", true}, CidrCase{"192.0.2.128/25", "192.0.2.128", true},
                    CidrCase{"192.0.2.128/25", "192.0.2.127", false},
                    CidrCase{"127.0.0.1", "127.0.0.1", true}, CidrCase{"127.0.0.1", "127.0.0.2", false},
                    CidrCase{"0.0.0.0/0", "203.0.113.9", true}, CidrCase{"0.0.0.0/0", "2001:db8::1", false},
                    CidrCase{"10.0.0.0/8", "::ffff:10.9.9.9", true},
                    CidrCase{"10.0.0.0/8", "::ffff:11.9.9.9", false}, CidrCase{"::1", "::1", true},
                    CidrCase{"::ffff:10.0.0.0/104", "10.1.1.1", true}, CidrCase{"::/0", "2001:db8::1", true},
                    CidrCase{"::/0", "10.0.0.1", false}, CidrCase{"::/0", "::ffff:10.0.0.1", false},
                    CidrCase{"2001:db8::/33", "2001:db8:7fff::1", true},
                    CidrCase{"2001:db8::/33", "2001:db8:8000::1", false},
                    CidrCase{"::1", "127.0.0.1", false}));

TEST(CidrTest, RefusesWhatIsNoNetwork) {
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "::/129", "10.0.0/8",
                           "10.0.0.0/8/8", "host/8", "10.0.0.0/ 8", "10.0.0.0/08x"}) {
    EXPECT_FALSE(Cidr::parse(text)) << text;
  }
}

TEST(CidrTest, AnInvalidAddressIsInNoNetwork) {
  EXPECT_FALSE(Cidr::parse("0.0.0.0/0")->contains(SocketAddress()));
  EXPECT_FALSE(Cidr::parse("::/0")->contains(SocketAddress()));
}

}  // namespace
}  // namespace meridian
