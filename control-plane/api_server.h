#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

#include "control-plane/api.h"
#include "lib/http/server.h"
#include "lib/net/listener.h"
#include "lib/net/tls.h"

namespace meridian::control {

// The listener of the API: its connections and the calls on them. On one loop.
class ApiServer final : private http::ConnectionHost {
 public:
  struct Limits {
    http::ServerLimits http;
    std::size_t connections = 4096;
  };
  // `tls` may be nullptr.
  ApiServer(EventLoop& loop, ListenSocket socket, std::shared_ptr<TlsServerContext> tls, Api& api,
            const Limits& limits);
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  const SocketAddress& address() const { return socket_.address(); }
  std::size_t connections() const { return connections_.size(); }
  std::uint64_t refused_connections() const { return refused_; }
  std::uint64_t bad_requests() const { return bad_requests_; }

  // Accepts no more and lets what is under way finish; `empty` is called when nothing is left, perhaps
  // inside.
  void drain(std::function<void()> empty);

 private:
  void accept(std::unique_ptr<Stream> stream);
  void on_request(http::Exchange& exchange) override;
  std::string_view on_bad_request(const http::BadRequest& bad, const SocketAddress& peer) override;
  void on_connection_closed(http::ServerConnection& connection) override;

  EventLoop& loop_;
  ListenSocket socket_;
  Api& api_;
  const Limits limits_;
  std::unordered_map<ApiCall*, std::shared_ptr<ApiCall>> calls_;
  std::unordered_map<http::ServerConnection*, std::unique_ptr<http::ServerConnection>> connections_;
  std::unique_ptr<Listener> listener_;
  std::function<void()> empty_;
  std::uint64_t refused_ = 0;
  std::uint64_t bad_requests_ = 0;
};

}  // namespace meridian::control
