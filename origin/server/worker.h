#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <unordered_map>

#include "lib/http/server.h"
#include "lib/net/event_loop.h"
#include "lib/net/listener.h"
#include "origin/server/connections.h"
#include "origin/server/responder.h"
#include "origin/server/services.h"

namespace meridian::origin {

// One thread that serves clients: its loop, its listening socket, its connections and the requests on them.
// Owned by the program; everything but start(), drain() and join() happens on its own thread.
class Worker final : public http::ConnectionHost {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Worker>> create(Shared& shared, ListenSocket socket,
                                                              stats::Sheet& sheet, std::uint64_t seed);
  ~Worker();

  void start();
  // From any thread: stops accepting, lets requests finish until the deadline, then ends the thread; `ended`
  // is its last call.
  void drain(std::int64_t deadline_ms, std::function<void()> ended);
  void join();

  void on_request(http::Exchange& exchange) override;
  std::string_view on_bad_request(const http::BadRequest& bad, const SocketAddress& peer) override;
  void on_connection_closed(http::ServerConnection& connection) override;

 private:
  Worker(Shared& shared, std::unique_ptr<EventLoop> loop, ListenSocket socket, stats::Sheet& sheet,
         std::uint64_t seed);
  void run();
  void accept(std::unique_ptr<Stream> stream);
  void begin_drain(std::int64_t deadline_ms, std::function<void()> ended);

  Shared& shared_;
  const http::ServerLimits limits_;
  std::unique_ptr<EventLoop> loop_;
  ListenSocket socket_;
  Services services_;
  std::unordered_map<Responder*, std::unique_ptr<Responder>> responders_;
  Connections connections_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<Timer> deadline_;
  bool draining_ = false;
  std::function<void()> ended_;
  std::thread thread_;
};

}  // namespace meridian::origin
