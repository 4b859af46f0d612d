#include "origin/server/connections.h"

#include <vector>

namespace meridian::origin {

bool Connections::add(std::unique_ptr<Stream> stream, const http::ServerLimits& limits,
                      http::ConnectionHost& host) {
  if (open_.size() >= limit_) return false;
  std::unique_ptr<http::ServerConnection> connection =
      http::ServerConnection::create(loop_, std::move(stream), limits, host);
  http::ServerConnection* key = connection.get();
  open_.emplace(key, std::move(connection));
  return true;
}

void Connections::remove(http::ServerConnection& connection) {
  const auto found = open_.find(&connection);
  if (found == open_.end()) return;
  // Shared, because what is posted must be copyable.
  std::shared_ptr<http::ServerConnection> last = std::move(found->second);
  open_.erase(found);
  loop_.post([last = std::move(last)] {});
}

void Connections::drain() {
  // Draining an idle connection removes it from the map.
  std::vector<http::ServerConnection*> all;
  for (const auto& [key, connection] : open_) all.push_back(key);
  for (http::ServerConnection* connection : all) {
    if (open_.contains(connection)) connection->drain();
  }
}

}  // namespace meridian::origin
