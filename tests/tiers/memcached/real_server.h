#pragma once

#include <gtest/gtest.h>

#include "edge/tiers/memcached/placement.h"
#include "tests/processes/memcached_process.h"

namespace meridian::test {

// A real memcached that runs from the beginning.
class RealServer {
 public:
  explicit RealServer(std::vector<std::string> more = {}) : process_(std::move(more)) { start(); }

  memcached::ServerAddress address() const { return {.host = "127.0.0.1", .port = process_.port()}; }
  void start() { ASSERT_TRUE(process_.start()) << "memcached did not start"; }
  void kill() { process_.kill(); }
  void freeze() { ASSERT_TRUE(process_.freeze()); }
  void thaw() { process_.thaw(); }

 private:
  MemcachedProcess process_;
};

}  // namespace meridian::test
