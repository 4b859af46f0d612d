#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lib/net/event_loop.h"
#include "lib/net/hosts_file.h"

namespace meridian::test {

// A name server on UDP, on the loop of the test.
class DnsServer final : private FdHandler {
 public:
  enum Type : std::uint16_t { kA = 1, kAaaa = 28 };
  struct Record {
    std::vector<std::string> ips;
    std::uint32_t ttl_s = 60;
  };
  enum class Mood { kAnswer, kSilent, kServerFailure };

  explicit DnsServer(EventLoop& loop) : fd_(open(address_)), watch_(loop, fd_, *this) {
    watch_.want(true, false);
  }
  ~DnsServer() { ::close(fd_); }

  std::string address() const { return address_.to_string(); }
  void set(const std::string& name, Type type, Record record) { records_[{name, type}] = std::move(record); }
  void clear() { records_.clear(); }
  void set_mood(Mood mood) { mood_ = mood; }
  // Names with no record of any type do not exist; this type of this name is never answered.
  void ignore(const std::string& name, Type type) { ignored_[{name, type}] = true; }
  int questions(const std::string& name, Type type) const {
    const auto found = asked_.find({name, type});
    return found == asked_.end() ? 0 : found->second;
  }

 private:
  using Key = std::pair<std::string, std::uint16_t>;
  static constexpr std::size_t kHeaderBytes = 12;

  static int open(SocketAddress& address) {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const auto any_port = SocketAddress::parse("127.0.0.1:0").value();
    EXPECT_EQ(::bind(fd, any_port.raw(), any_port.raw_size()), 0);
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    auto* raw = reinterpret_cast<sockaddr*>(&storage);
    EXPECT_EQ(::getsockname(fd, raw, &size), 0);
    address = SocketAddress::from(raw, size);
    return fd;
  }

  void on_fd(bool, bool) override {
    char packet[512];
    sockaddr_storage from{};
    socklen_t from_size = sizeof from;
    auto* raw = reinterpret_cast<sockaddr*>(&from);
    const ssize_t size = ::recvfrom(fd_, packet, sizeof packet, 0, raw, &from_size);
    if (size <= static_cast<ssize_t>(kHeaderBytes)) return;
    const std::string answer = answer_to(std::string(packet, static_cast<std::size_t>(size)));
    if (!answer.empty()) ::sendto(fd_, answer.data(), answer.size(), 0, raw, from_size);
  }

  static void put16(std::string& to, unsigned value) {
    to += static_cast<char>(value >> 8 & 0xff);
    to += static_cast<char>(value & 0xff);
  }

  std::string answer_to(const std::string& query) {
    std::string name;
    std::size_t at = kHeaderBytes;
    while (query[at] != 0) {
      const auto label = static_cast<std::size_t>(query[at]);
      name += (name.empty() ? "" : ".") + query.substr(at + 1, label);
      at += label + 1;
    }
    const auto type = static_cast<std::uint16_t>(query[at + 2]);
    const Key key{lower_case(name), type};
    ++asked_[key];
    if (mood_ == Mood::kSilent || ignored_.count(key) != 0) return {};
    return pack(query, query.substr(kHeaderBytes, at + 5 - kHeaderBytes), key);
  }

  // The question goes back as it came: evdns plays with the case of letters and looks whether we do too.
  std::string pack(const std::string& query, const std::string& question, const Key& key) {
    const auto found = records_.find(key);
    const bool exists = records_.count({key.first, kA}) != 0 || records_.count({key.first, kAaaa}) != 0;
    const Record record = found == records_.end() ? Record{} : found->second;
    const unsigned code = mood_ == Mood::kServerFailure ? 2 : exists ? 0 : 3;
    std::string out = query.substr(0, 2);
    put16(out, 0x8180 | code);
    put16(out, 1);
    put16(out, code == 0 ? static_cast<unsigned>(record.ips.size()) : 0);
    put16(out, 0);
    put16(out, 0);
    out += question;
    if (code != 0) return out;
    for (const std::string& ip : record.ips) {
      unsigned char bytes[16];
      const unsigned size = key.second == kA ? 4 : 16;
      EXPECT_EQ(::inet_pton(key.second == kA ? AF_INET : AF_INET6, ip.c_str(), bytes), 1);
      put16(out, 0xc000 | kHeaderBytes);
      put16(out, key.second);
      put16(out, 1);
      put16(out, record.ttl_s >> 16);
      put16(out, record.ttl_s & 0xffff);
      put16(out, size);
      out.append(reinterpret_cast<const char*>(bytes), size);
    }
    return out;
  }

  SocketAddress address_;
  int fd_;
  FdWatch watch_;
  std::map<Key, Record> records_;
  std::map<Key, bool> ignored_;
  std::map<Key, int> asked_;
  Mood mood_ = Mood::kAnswer;
};

}  // namespace meridian::test
