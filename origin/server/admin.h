#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "lib/http/server.h"
#include "lib/net/event_loop.h"
#include "lib/net/listener.h"
#include "lib/stats/registry.h"
#include "origin/server/answer.h"
#include "origin/server/connections.h"
#include "origin/server/faults.h"

namespace meridian::origin {

// The operators' listener:
//
//   GET /healthz           200, or 503 while draining
//   GET /metrics           Prometheus text format
//   GET /faults            what is set, with hits
//   PUT /faults            {"faults": [...]} takes the place of all that were set
//   POST /faults           {"faults": [...]} is added; one of the same name is replaced
//   DELETE /faults[/NAME]  removes all, or one
//   GET, PUT /version      {"version": N}: the version of generated bodies that name none
//
// A wrong body changes nothing and is answered 400 with a line for each mistake. On the program's main loop.
class Admin final : public http::ConnectionHost {
 public:
  struct Parts {
    FaultTable& faults;
    stats::Registry& registry;
    std::atomic<std::uint64_t>& content_version;
  };
  Admin(EventLoop& loop, ListenSocket socket, Parts parts);
  ~Admin();

  // From now on /healthz says that this origin is going away.
  void begin_drain() { draining_ = true; }
  const SocketAddress& address() const { return socket_.address(); }

  // Answers one command; the part that needs no sockets.
  Answer answer(http::Method method, std::string_view path, const std::string& body);

  void on_request(http::Exchange& exchange) override;
  std::string_view on_bad_request(const http::BadRequest& bad, const SocketAddress& peer) override;
  void on_connection_closed(http::ServerConnection& connection) override;

 private:
  class Command;
  Answer answer_faults(http::Method method, const std::string& body);
  Answer answer_fault(http::Method method, std::string_view name);
  Answer answer_version(http::Method method, const std::string& body);

  EventLoop& loop_;
  ListenSocket socket_;
  Parts parts_;
  bool draining_ = false;
  std::unordered_map<Command*, std::unique_ptr<Command>> commands_;
  Connections connections_;
  Listener listener_;
};

}  // namespace meridian::origin
