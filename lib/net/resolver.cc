#include <algorithm>
#include <unordered_map>
#include <utility>

#include "lib/net/connect.h"
#include "lib/net/dns_client.h"
#include "lib/net/hosts_file.h"

namespace meridian {
namespace {

constexpr std::size_t kLongestName = 253;  // RFC 1035 section 2.3.4, as text
// With IPv4 addresses in hand, how much longer to wait for IPv6 ones (RFC 8305 section 3 names 50 ms).
constexpr std::int64_t kOtherFamilyMs = 50;

using Addresses = std::vector<SocketAddress>;

// One who waits; shared by the entry and the operation that the caller holds, whose end empties `done`.
struct Waiter {
  Resolver::Done done;
  std::uint16_t port = 0;
};

class Waiting final : public Operation {
 public:
  explicit Waiting(std::shared_ptr<Waiter> waiter) : waiter_(std::move(waiter)) {}
  ~Waiting() override { waiter_->done = nullptr; }

 private:
  std::shared_ptr<Waiter> waiter_;
};

Addresses with_port(Addresses addresses, std::uint16_t port) {
  for (SocketAddress& address : addresses) address.set_port(port);
  return addresses;
}

// RFC 6761 section 6.3.
bool is_localhost(const std::string& name) { return name == "localhost" || name.ends_with(".localhost"); }

Addresses localhost() {
  return {SocketAddress::from_ip("127.0.0.1", 0).value(), SocketAddress::from_ip("::1", 0).value()};
}

// What is known of a name, and the question that runs, if one does.
struct Entry {
  Entry(EventLoop& loop, std::string its_name, std::function<void()> on_deadline,
        std::function<void()> on_patience)
      : name(std::move(its_name)),
        deadline(loop, std::move(on_deadline)),
        patience(loop, std::move(on_patience)) {}

  const std::string name;
  Addresses addresses;             // the last good answer
  std::int64_t good_until_ms = 0;  // of `addresses`, by TTL
  std::int64_t ask_again_ms = 0;   // until then what is known is given as it is
  std::string failure;             // why there is nothing newer; empty after success
  std::vector<std::shared_ptr<Waiter>> waiters;
  std::uint64_t round = 0;  // tells a late answer from one to the question that runs
  int open_questions = 0;   // 0: no question runs
  DnsAnswer v4;
  DnsAnswer v6;
  Timer deadline;
  Timer patience;  // with something in hand, how long to wait for better
};

class EvdnsResolver final : public Resolver {
 public:
  EvdnsResolver(EventLoop& loop, const Options& options)
      : loop_(loop),
        options_(options),
        hosts_(options.hosts_file),
        dns_(loop, options.nameserver, options.timeout_ms) {}

  std::unique_ptr<Operation> resolve(const std::string& host, std::uint16_t port, Done done) override;

 private:
  Entry& entry_of(const std::string& name);
  void make_room();
  bool give_known(const Entry& entry, std::uint16_t port, const Done& done);
  bool stale_is_fit(const Entry& entry) const;
  void ask(Entry& entry);
  void on_answer(const std::string& name, std::uint64_t round, int family, DnsAnswer answer);
  void on_patience(const std::string& name);
  void settle(Entry& entry);
  void take_answer(Entry& entry);
  static void tell(Entry& entry, const Result<Addresses>& result);
  static Failure failure_of(const Entry& entry);

  EventLoop& loop_;
  const Options options_;
  HostsFile hosts_;
  std::unordered_map<std::string, std::unique_ptr<Entry>> entries_;
  DnsClient dns_;
};

std::unique_ptr<Operation> EvdnsResolver::resolve(const std::string& host, std::uint16_t port, Done done) {
  if (const auto literal = SocketAddress::from_ip(host, port)) {
    done(Addresses{*literal});
    return nullptr;
  }
  std::string name = lower_case(host);
  if (name.ends_with('.')) name.pop_back();
  if (name.empty() || name.size() > kLongestName) {
    done(fail(ErrorCode::kInvalid, ErrorSource::kOperator, "\"" + host + "\" is no host name"));
    return nullptr;
  }
  hosts_.refresh(loop_.now_ms());
  if (const Addresses* listed = hosts_.find(name)) {
    done(with_port(*listed, port));
    return nullptr;
  }
  if (is_localhost(name)) {
    done(with_port(localhost(), port));
    return nullptr;
  }
  Entry& entry = entry_of(name);
  if (entry.open_questions == 0 && entry.ask_again_ms <= loop_.now_ms()) ask(entry);
  if (give_known(entry, port, done)) return nullptr;
  auto waiter = std::make_shared<Waiter>(Waiter{std::move(done), port});
  entry.waiters.push_back(waiter);
  return std::make_unique<Waiting>(std::move(waiter));
}

Entry& EvdnsResolver::entry_of(const std::string& name) {
  if (const auto found = entries_.find(name); found != entries_.end()) return *found->second;
  make_room();
  auto entry = std::make_unique<Entry>(
      loop_, name, [this, name] { settle(*entries_.at(name)); }, [this, name] { on_patience(name); });
  return *entries_.emplace(name, std::move(entry)).first->second;
}

// The name whose answer is the oldest goes, of those that nobody waits for.
void EvdnsResolver::make_room() {
  if (entries_.size() < kNames) return;
  auto oldest = entries_.end();
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    if (it->second->open_questions != 0) continue;
    if (oldest == entries_.end() || it->second->ask_again_ms < oldest->second->ask_again_ms) oldest = it;
  }
  if (oldest != entries_.end()) entries_.erase(oldest);
}

bool EvdnsResolver::stale_is_fit(const Entry& entry) const {
  return !entry.addresses.empty() && loop_.now_ms() < entry.good_until_ms + kMostStaleMs;
}

// Fresh addresses, or a failure that is young; and while DNS is down old addresses at once, without waiting
// for it anew.
bool EvdnsResolver::give_known(const Entry& entry, std::uint16_t port, const Done& done) {
  const bool fresh = loop_.now_ms() < entry.ask_again_ms;
  const bool failing = !entry.failure.empty();
  if (!fresh && !(failing && stale_is_fit(entry))) return false;
  if (stale_is_fit(entry)) {
    done(with_port(entry.addresses, port));
  } else {
    done(failure_of(entry));
  }
  return true;
}

void EvdnsResolver::ask(Entry& entry) {
  ++entry.round;
  entry.open_questions = 2;
  entry.v4 = entry.v6 = DnsAnswer{};
  entry.v4.words = entry.v6.words = "no answer within " + std::to_string(options_.timeout_ms) + " ms";
  entry.deadline.arm(options_.timeout_ms);
  if (stale_is_fit(entry)) entry.patience.arm(kStaleAfterMs);
  for (const int family : {AF_INET, AF_INET6}) {
    dns_.ask(entry.name, family, [this, name = entry.name, round = entry.round, family](DnsAnswer answer) {
      on_answer(name, round, family, std::move(answer));
    });
  }
}

void EvdnsResolver::on_answer(const std::string& name, std::uint64_t round, int family, DnsAnswer answer) {
  const auto found = entries_.find(name);
  if (found == entries_.end() || found->second->round != round || found->second->open_questions == 0) return;
  Entry& entry = *found->second;
  const bool addresses = answer.kind == DnsAnswer::Kind::kAddresses;
  (family == AF_INET ? entry.v4 : entry.v6) = std::move(answer);
  if (--entry.open_questions == 0) return settle(entry);
  if (addresses && family == AF_INET) entry.patience.arm(kOtherFamilyMs);
}

// Either IPv4 addresses have come and IPv6 is late, or nothing has come and old addresses are at hand: those
// who wait get them, while the question goes on.
void EvdnsResolver::on_patience(const std::string& name) {
  Entry& entry = *entries_.at(name);
  if (entry.v4.kind == DnsAnswer::Kind::kAddresses) return settle(entry);
  if (!stale_is_fit(entry)) return;
  entry.failure = "no answer yet";
  tell(entry, entry.addresses);
}

void EvdnsResolver::settle(Entry& entry) {
  entry.open_questions = 0;
  entry.deadline.cancel();
  entry.patience.cancel();
  take_answer(entry);
  if (stale_is_fit(entry)) {
    tell(entry, entry.addresses);
  } else {
    tell(entry, failure_of(entry));
  }
}

void EvdnsResolver::take_answer(Entry& entry) {
  const std::int64_t now_ms = loop_.now_ms();
  Addresses found = entry.v4.addresses;
  found.insert(found.end(), entry.v6.addresses.begin(), entry.v6.addresses.end());
  if (!found.empty()) {
    std::int64_t ttl_ms = options_.max_ttl_ms;
    for (const DnsAnswer* answer : {&entry.v4, &entry.v6}) {
      if (answer->kind == DnsAnswer::Kind::kAddresses) ttl_ms = std::min(ttl_ms, answer->ttl_ms);
    }
    entry.addresses = std::move(found);
    entry.good_until_ms = entry.ask_again_ms = now_ms + std::max(ttl_ms, options_.min_ttl_ms);
    entry.failure.clear();
    return;
  }
  const bool v4_failed = entry.v4.kind == DnsAnswer::Kind::kFailed;
  const bool v6_failed = entry.v6.kind == DnsAnswer::Kind::kFailed;
  if (!v4_failed && !v6_failed) entry.addresses.clear();
  entry.failure = v6_failed && !v4_failed ? entry.v6.words : entry.v4.words;
  entry.ask_again_ms = now_ms + kFailureTtlMs;
}

Failure EvdnsResolver::failure_of(const Entry& entry) {
  return fail(ErrorCode::kUnresolved, ErrorSource::kOrigin,
              "cannot resolve " + entry.name + ": " + entry.failure, true);
}

// Those who are told may do anything, even destroy the resolver: nothing of it is touched from the first call
// on.
void EvdnsResolver::tell(Entry& entry, const Result<Addresses>& result) {
  const std::vector<std::shared_ptr<Waiter>> waiters = std::exchange(entry.waiters, {});
  const Result<Addresses> answer = result;
  for (const auto& waiter : waiters) {
    if (!waiter->done) continue;
    const Resolver::Done done = std::exchange(waiter->done, nullptr);
    if (answer) {
      done(with_port(*answer, waiter->port));
    } else {
      done(answer);
    }
  }
}

}  // namespace

std::unique_ptr<Resolver> Resolver::create(EventLoop& loop, const Options& options) {
  return std::make_unique<EvdnsResolver>(loop, options);
}

}  // namespace meridian
