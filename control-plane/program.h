#pragma once

#include <memory>
#include <string>

#include "config/control_config.h"
#include "control-plane/api_server.h"
#include "control-plane/bootstrap.h"
#include "lib/net/connect.h"

namespace meridian::control {

// A whole meridian-control. Everything is on one loop, the caller's thread; a store in SQLite has a thread of
// its own besides.
class Program {
 public:
  // Opens everything that can fail: the folder, the store, the socket, the certificate.
  [[nodiscard]] static Result<std::unique_ptr<Program>> create(const config::ControlConfig& config);
  ~Program();

  const SocketAddress& address() const { return server_->address(); }
  EventLoop& loop() { return *loop_; }
  std::string store() const { return store_->description(); }

  // Serves until end().
  void run() { loop_->run(); }
  // On the loop: gives the lease back, ends streams, and lets requests that are under way finish until
  // `drain_timeout`.
  void end();
  // Reads the certificate again; on failure the old one stays, and standard error says why.
  void reload();

 private:
  explicit Program(const config::ControlConfig& config) : config_(config) {}
  [[nodiscard]] Result<void> open_store();
  [[nodiscard]] Result<void> open_etcd(const config::ControlEtcdConfig& etcd);
  [[nodiscard]] Result<void> open_listener();
  void assemble();
  void report(stats::Scrape& scrape) const;

  // In the order in which each is used by what follows it.
  const config::ControlConfig config_;
  std::unique_ptr<stats::Registry> registry_;
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Resolver> resolver_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<ClusterLog> log_;
  std::unique_ptr<Leadership> leadership_;
  std::unique_ptr<Bootstrap> bootstrap_;
  std::unique_ptr<EdgeStreams> streams_;
  std::unique_ptr<Api> api_;
  std::shared_ptr<TlsServerContext> tls_;
  std::unique_ptr<ApiServer> server_;
  std::unique_ptr<stats::Registry::Source> source_;
  std::unique_ptr<Timer> drain_;
  int parts_to_end_ = 0;
};

}  // namespace meridian::control
