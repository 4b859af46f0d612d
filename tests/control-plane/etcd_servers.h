#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "control-plane/store/etcd_store.h"
#include "tests/control-plane/folder.h"

namespace meridian::control {

// Real etcd servers of one cluster on ports of the loopback interface, in memory where there is a file system
// for that. They end with the object, by their process ids.
class EtcdServers {
 public:
  explicit EtcdServers(std::size_t count);
  ~EtcdServers();
  EtcdServers(const EtcdServers&) = delete;
  EtcdServers& operator=(const EtcdServers&) = delete;

  std::size_t size() const { return servers_.size(); }
  // For a store that knows these servers, in this order; all of them when none is named.
  EtcdOptions options(const std::string& prefix, std::vector<std::size_t> servers = {}) const;
  void signal(std::size_t server, int number);
  // kill -9, and again with the same data.
  void kill(std::size_t server);
  void start(std::size_t server);

 private:
  struct Server {
    pid_t pid = -1;
    std::uint16_t client_port = 0;
    std::uint16_t peer_port = 0;
  };
  std::string cluster() const;

  Folder folder_;
  std::vector<Server> servers_;
};

}  // namespace meridian::control
