#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "edge/tiers/memcached/memcached_tier.h"
#include "tests/contract/tier_objects.h"
#include "tests/net/harness.h"

namespace meridian::test {

// How a lookup went: not at all yet, or a miss, or an object.
struct Asked {
  std::unique_ptr<Operation> running;
  int calls = 0;
  Ref<const Object> object;
  bool refused = false;
  bool answered() const { return calls > 0 || refused; }
};

// A tier over given servers, on a loop whose clock moves when it is told to.
class Bed {
 public:
  Bed() = default;
  Bed(std::vector<memcached::ServerAddress> servers, memcached::Options options) {
    open(std::move(servers), std::move(options));
  }
  void open(std::vector<memcached::ServerAddress> servers, memcached::Options options = {}) {
    options.servers = std::move(servers);
    fleet = memcached::Fleet::create(std::move(options)).value();
    tier = std::make_unique<MemcachedTier>(*loop, *resolver, *fleet);
  }

  std::unique_ptr<Asked> ask(const std::string& key) {
    auto asked = std::make_unique<Asked>();
    asked->running = tier->find(key, [to = asked.get()](Ref<const Object> object) {
      ++to->calls;
      to->object = std::move(object);
    });
    asked->refused = asked->running == nullptr;
    return asked;
  }
  // Waits for the servers, with time standing still.
  [[nodiscard]] bool settle() {
    return drive(*loop, [&] { return tier->idle(); });
  }
  Ref<const Object> get(const std::string& key) {
    const auto asked = ask(key);
    EXPECT_TRUE(drive(*loop, [&] { return asked->answered(); }));
    EXPECT_TRUE(!asked->object || is_whole(*asked->object, key)) << key;
    return asked->object;
  }
  [[nodiscard]] bool put(const std::string& key, std::uint64_t version = 1, std::size_t body_bytes = 100) {
    tier->put(object_of(key, version, body_bytes));
    return settle();
  }
  void pass_ms(std::int64_t ms) {
    for (; ms > 0; ms -= 10) {
      clock.advance_ms(std::min<std::int64_t>(ms, 10));
      loop->run_once();
    }
  }

  std::uint64_t gets(memcached::GetEnd end, std::size_t server = 0) const {
    return fleet->server(server).gets[static_cast<std::size_t>(end)];
  }
  std::uint64_t writes(memcached::WriteEnd end, std::size_t server = 0) const {
    return fleet->server(server).writes[static_cast<std::size_t>(end)];
  }
  std::uint64_t removals(memcached::RemovalEnd end, std::size_t server = 0) const {
    return fleet->server(server).removals[static_cast<std::size_t>(end)];
  }
  std::uint64_t rejects(memcached::Reject why, std::size_t server = 0) const {
    return fleet->server(server).rejects[static_cast<std::size_t>(why)];
  }
  std::size_t server_of(const std::string& key) const { return fleet->server_of(memcached::WireKey(key)); }

  ManualClock clock;
  std::unique_ptr<EventLoop> loop = make_loop(clock);
  std::unique_ptr<Resolver> resolver = Resolver::create(*loop, {});
  std::unique_ptr<memcached::Fleet> fleet;
  std::unique_ptr<MemcachedTier> tier;
};

}  // namespace meridian::test
