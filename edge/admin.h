#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "edge/server.h"
#include "lib/http/server.h"

namespace meridian::edge {

// The operators' listener, on the main thread's loop: /metrics, /healthz and /readyz for everybody who
// reaches it, and with a bearer token the rest. Workers never wait for it.
class Admin final : public http::ConnectionHost {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Admin>> open(EventLoop& loop, Server& server,
                                                           ListenSocket socket);
  ~Admin();
  const SocketAddress& address() const { return socket_.address(); }
  const ListenSocket& socket() const { return socket_; }
  // Reads the token's file again.
  [[nodiscard]] Result<void> reload_token();

  struct Answer {
    int status = 200;
    std::string type = "application/json";
    std::string body;
    std::string allow;  // for 405
  };

 private:
  class Call;
  Admin(EventLoop& loop, Server& server, ListenSocket socket);
  Answer answer(const http::RequestHead& head);
  Answer answer_command(const http::RequestHead& head, std::string_view path);
  bool authorized(const http::FieldList& fields) const;

  void on_request(http::Exchange& exchange) override;
  std::string_view on_bad_request(const http::BadRequest& bad, const SocketAddress& peer) override;
  void on_connection_closed(http::ServerConnection& connection) override;

  EventLoop& loop_;
  Server& server_;
  ListenSocket socket_;
  std::string token_;
  std::unique_ptr<Listener> listener_;
  std::unordered_map<http::ServerConnection*, std::unique_ptr<http::ServerConnection>> connections_;
  std::unordered_map<Call*, std::unique_ptr<Call>> calls_;
};

}  // namespace meridian::edge
