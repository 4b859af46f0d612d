#include "control-plane/api_server.h"

#include <utility>
#include <vector>

namespace meridian::control {

ApiServer::ApiServer(EventLoop& loop, ListenSocket socket, std::shared_ptr<TlsServerContext> tls, Api& api,
                     const Limits& limits)
    : loop_(loop),
      socket_(std::move(socket)),
      api_(api),
      limits_(limits),
      listener_(std::make_unique<Listener>(
          loop, socket_, std::move(tls),
          [this](std::unique_ptr<Stream> stream) { accept(std::move(stream)); })) {}

ApiServer::~ApiServer() {
  listener_.reset();
  // Their calls are told that they are over, and look for themselves in calls_.
  auto connections = std::move(connections_);
  connections.clear();
}

void ApiServer::accept(std::unique_ptr<Stream> stream) {
  if (connections_.size() >= limits_.connections) {
    ++refused_;
    return;
  }
  auto connection = http::ServerConnection::create(loop_, std::move(stream), limits_.http, *this);
  http::ServerConnection* const key = connection.get();
  connections_.emplace(key, std::move(connection));
}

void ApiServer::on_request(http::Exchange& exchange) {
  auto call = std::make_shared<ApiCall>(
      exchange, [this](ApiCall& ready) { api_.handle(ready.shared_from_this()); },
      [this](ApiCall& over) {
        api_.count_answer(over.status());
        const auto found = calls_.find(&over);
        // It may be on the stack.
        if (found == calls_.end()) return;
        loop_.at_end_of_turn([last = std::move(found->second)] {});
        calls_.erase(found);
      });
  ApiCall& started = *call;
  calls_.emplace(&started, std::move(call));
  started.start();
}

std::string_view ApiServer::on_bad_request(const http::BadRequest&, const SocketAddress&) {
  ++bad_requests_;
  return {};
}

void ApiServer::on_connection_closed(http::ServerConnection& connection) {
  const auto found = connections_.find(&connection);
  if (found == connections_.end()) return;
  std::shared_ptr<http::ServerConnection> last = std::move(found->second);
  connections_.erase(found);
  loop_.post([last = std::move(last)] {});
  if (connections_.empty() && empty_) std::exchange(empty_, nullptr)();
}

void ApiServer::drain(std::function<void()> empty) {
  listener_.reset();
  if (connections_.empty()) return empty();
  empty_ = std::move(empty);
  std::vector<http::ServerConnection*> all;
  for (const auto& [key, connection] : connections_) all.push_back(key);
  for (http::ServerConnection* connection : all) {
    if (connections_.contains(connection)) connection->drain();
  }
}

}  // namespace meridian::control
