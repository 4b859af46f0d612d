#include "edge/tiers/memcached/placement.h"

#include <libmemcached/memcached.h>

namespace meridian::memcached {

std::string ServerAddress::name() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<std::unique_ptr<Placement>> Placement::create(std::span<const ServerAddress> servers) {
  if (servers.empty())
    return fail(ErrorCode::kInvalid, ErrorSource::kOperator, "no memcached server is given");
  std::unique_ptr<Placement> placement(new Placement(memcached_create(nullptr)));
  memcached_st* handle = placement->handle_;
  bool is_well = handle != nullptr &&
                 memcached_behavior_set(handle, MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1) == MEMCACHED_SUCCESS;
  for (const ServerAddress& server : servers) {
    is_well = is_well && memcached_server_add_with_weight(handle, server.host.c_str(), server.port,
                                                          server.weight) == MEMCACHED_SUCCESS;
  }
  if (!is_well) {
    return fail(ErrorCode::kInvalid, ErrorSource::kOperator,
                "libmemcached does not take the list of servers");
  }
  return placement;
}

Placement::~Placement() {
  if (handle_ != nullptr) memcached_free(handle_);
}

std::size_t Placement::server_of(std::string_view wire_key) const {
  return memcached_generate_hash(handle_, wire_key.data(), wire_key.size());
}

}  // namespace meridian::memcached
