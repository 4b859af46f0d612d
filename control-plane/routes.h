#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "control-plane/log/tokens.h"
#include "lib/http/message.h"

namespace meridian::control {

// The routes of routes.def.
enum class RouteId : std::uint8_t {
#define ROUTE(id, method, path, access, summary) id,
#include "control-plane/routes.def"
#undef ROUTE
};

struct Route {
  RouteId id;
  http::Method method;
  std::string_view path;
  std::optional<Role> role;  // nothing: open to anybody
  std::string_view summary;
};
std::span<const Route> all_routes();

// Where a request goes: a route and what stands for {id}; or the methods that the path allows, "" when there
// is no such path.
struct RouteMatch {
  const Route* route = nullptr;
  std::string id;
  std::string allowed;
};
RouteMatch find_route(http::Method method, std::string_view path);

// The value of a name in a query (application/x-www-form-urlencoded, without '+' for a space); nothing when
// it is absent, "" when it has no value. A name that comes twice, or a broken escape: broken.
struct Query {
  std::optional<std::string> value;
  bool is_broken = false;
};
Query query_value(std::string_view query, std::string_view name);

}  // namespace meridian::control
