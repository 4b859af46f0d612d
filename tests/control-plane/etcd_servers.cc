#include "tests/control-plane/etcd_servers.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/net/listener.h"

namespace meridian::control {
namespace {

std::string name_of(std::size_t server) { return "etcd-" + std::to_string(server); }

std::string url_of(std::uint16_t port) { return "http://127.0.0.1:" + std::to_string(port); }

// Ports that were free a moment ago.
std::vector<std::uint16_t> free_ports(std::size_t count) {
  std::vector<ListenSocket> sockets;
  std::vector<std::uint16_t> ports;
  for (std::size_t i = 0; i < count; ++i) {
    sockets.push_back(std::move(*ListenSocket::open(*SocketAddress::parse("127.0.0.1:0"))));
    ports.push_back(sockets.back().address().port());
  }
  return ports;
}

}  // namespace

EtcdServers::EtcdServers(std::size_t count) : folder_("/dev/shm") {
  const std::vector<std::uint16_t> ports = free_ports(2 * count);
  for (std::size_t i = 0; i < count; ++i) servers_.push_back({-1, ports[2 * i], ports[2 * i + 1]});
  for (std::size_t i = 0; i < count; ++i) start(i);
}

EtcdServers::~EtcdServers() {
  for (std::size_t i = 0; i < servers_.size(); ++i) kill(i);
}

std::string EtcdServers::cluster() const {
  std::string text;
  for (std::size_t i = 0; i < servers_.size(); ++i)
    text += (i > 0 ? "," : "") + name_of(i) + "=" + url_of(servers_[i].peer_port);
  return text;
}

void EtcdServers::start(std::size_t server) {
  Server& at = servers_[server];
  const std::string client = url_of(at.client_port);
  const std::string peer = url_of(at.peer_port);
  const std::vector<std::string> arguments = {"etcd",
                                              "--name=" + name_of(server),
                                              "--data-dir=" + folder_ / name_of(server),
                                              "--listen-client-urls=" + client,
                                              "--advertise-client-urls=" + client,
                                              "--listen-peer-urls=" + peer,
                                              "--initial-advertise-peer-urls=" + peer,
                                              "--initial-cluster=" + cluster(),
                                              "--heartbeat-interval=50",
                                              "--election-timeout=500",
                                              "--log-level=error"};
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const std::string log = folder_ / (name_of(server) + ".log");
  at.pid = fork();
  ASSERT_GE(at.pid, 0);
  if (at.pid != 0) return;
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(out, 1);
  dup2(out, 2);
  execvp("etcd", argv.data());
  _exit(127);
}

void EtcdServers::signal(std::size_t server, int number) { ::kill(servers_[server].pid, number); }

void EtcdServers::kill(std::size_t server) {
  if (servers_[server].pid <= 0) return;
  signal(server, SIGKILL);
  waitpid(servers_[server].pid, nullptr, 0);
  servers_[server].pid = -1;
}

EtcdOptions EtcdServers::options(const std::string& prefix, std::vector<std::size_t> servers) const {
  EtcdOptions options;
  options.prefix = prefix;
  if (servers.empty()) {
    for (std::size_t i = 0; i < size(); ++i) servers.push_back(i);
  }
  for (const std::size_t server : servers)
    options.endpoints.push_back({"127.0.0.1", servers_[server].client_port, nullptr});
  return options;
}

}  // namespace meridian::control
