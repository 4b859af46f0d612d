#include "lib/net/dns_client.h"

#include <event2/dns.h>
#include <event2/event.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "lib/base/check.h"

namespace meridian {
namespace {

constexpr int kAttempts = 2;
constexpr const char* kMostInFlight = "256";

DnsAnswer failed(std::string words) { return {DnsAnswer::Kind::kFailed, {}, 0, std::move(words)}; }

DnsAnswer of_result(int result) {
  switch (result) {
    case DNS_ERR_NOTEXIST:
      return {DnsAnswer::Kind::kNone, {}, 0, "no such name"};
    case DNS_ERR_NONE:
    case DNS_ERR_NODATA:
      return {DnsAnswer::Kind::kNone, {}, 0, "the name has no address"};
    default:
      return failed(evdns_err_to_string(result));
  }
}

SocketAddress address_of(char type, const void* addresses, int index) {
  if (type == DNS_IPv4_A) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_addr = static_cast<const in_addr*>(addresses)[index];
    return SocketAddress::from(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_addr = static_cast<const in6_addr*>(addresses)[index];
  return SocketAddress::from(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
}

}  // namespace

struct DnsClient::Question {
  std::weak_ptr<Open> open;
  std::function<void(DnsAnswer)> done;
};

// evdns calls back for every question, also some time after its base is freed. So the questions are owned
// here, and this outlives the client on the loop until the last of them has been called back.
struct DnsClient::Open {
  EventLoop& loop;
  std::unordered_map<Question*, std::unique_ptr<Question>> questions;
  bool abandoned = false;

  void answer(Question* question, DnsAnswer answer) {
    const std::unique_ptr<Question> owned = std::move(questions.extract(question).mapped());
    if (!abandoned) owned->done(std::move(answer));
  }
  static void linger(const std::shared_ptr<Open>& self) {
    if (!self->questions.empty()) self->loop.post([self] { linger(self); });
  }
};

DnsClient::DnsClient(EventLoop& loop, const std::string& nameserver, std::int64_t timeout_ms)
    : loop_(loop), dns_(evdns_base_new(loop.base(), 0)), open_(new Open{loop, {}, false}) {
  CHECK(dns_ != nullptr);
  const std::string attempt_s = std::to_string(static_cast<double>(timeout_ms) / kAttempts / 1000);
  evdns_base_set_option(dns_, "timeout:", attempt_s.c_str());
  evdns_base_set_option(dns_, "attempts:", std::to_string(kAttempts).c_str());
  evdns_base_set_option(dns_, "max-inflight:", kMostInFlight);
  evdns_base_set_option(dns_, "initial-probe-timeout:", "1");
  if (nameserver.empty()) {
    evdns_base_resolv_conf_parse(dns_, DNS_OPTION_NAMESERVERS | DNS_OPTION_SEARCH, "/etc/resolv.conf");
  } else {
    evdns_base_nameserver_ip_add(dns_, nameserver.c_str());
  }
}

DnsClient::~DnsClient() {
  open_->abandoned = true;
  evdns_base_free(dns_, 1);
  Open::linger(open_);
}

void DnsClient::ask(const std::string& name, int family, std::function<void(DnsAnswer)> done) {
  auto owned = std::make_unique<Question>(Question{open_, std::move(done)});
  Question* question = owned.get();
  open_->questions.emplace(question, std::move(owned));
  evdns_request* asked = nullptr;
  if (evdns_base_count_nameservers(dns_) > 0) {
    asked = family == AF_INET ? evdns_base_resolve_ipv4(dns_, name.c_str(), 0, on_answer, question)
                              : evdns_base_resolve_ipv6(dns_, name.c_str(), 0, on_answer, question);
  }
  if (asked != nullptr) return;
  loop_.post([open = std::weak_ptr<Open>(open_), question] {
    if (const auto still_open = open.lock())
      still_open->answer(question, failed("no name server can be asked"));
  });
}

void DnsClient::on_answer(int result, char type, int count, int ttl, void* addresses, void* argument) {
  auto* question = static_cast<Question*>(argument);
  const std::shared_ptr<Open> open = question->open.lock();
  if (open == nullptr) return;
  open->loop.enter_turn();
  if (result != DNS_ERR_NONE || count == 0) return open->answer(question, of_result(result));
  DnsAnswer answer;
  answer.kind = DnsAnswer::Kind::kAddresses;
  answer.ttl_ms = std::int64_t{std::max(ttl, 0)} * 1000;
  for (int i = 0; i < count; ++i) answer.addresses.push_back(address_of(type, addresses, i));
  open->answer(question, std::move(answer));
}

}  // namespace meridian
