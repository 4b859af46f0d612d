#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/net/address.h"
#include "lib/net/event_loop.h"

struct evdns_base;

namespace meridian {

struct DnsAnswer {
  enum class Kind : std::uint8_t {
    kAddresses,
    kNone,    // the name does not exist, or has no address of this family: an answer, and authoritative
    kFailed,  // no answer, or one that says nothing about the name
  };
  Kind kind = Kind::kFailed;
  std::vector<SocketAddress> addresses;  // port 0
  std::int64_t ttl_ms = 0;
  std::string words;  // for kNone and kFailed
};

// Questions to the name servers, one record type each, by libevent's evdns over UDP. Nothing is kept here. On
// its loop's thread; destroying it forgets what was asked.
class DnsClient {
 public:
  // `nameserver`: "ip:port"; empty: those of resolv.conf, with its search list.
  DnsClient(EventLoop& loop, const std::string& nameserver, std::int64_t timeout_ms);
  ~DnsClient();
  DnsClient(const DnsClient&) = delete;
  DnsClient& operator=(const DnsClient&) = delete;

  // `family`: AF_INET or AF_INET6. Calls back once, never inside ask().
  void ask(const std::string& name, int family, std::function<void(DnsAnswer)> done);

 private:
  struct Question;
  struct Open;
  static void on_answer(int result, char type, int count, int ttl, void* addresses, void* question);

  EventLoop& loop_;
  evdns_base* dns_ = nullptr;
  std::shared_ptr<Open> open_;
};

}  // namespace meridian
