#include "control-plane/routes.h"

#include <array>

namespace meridian::control {
namespace {

constexpr std::optional<Role> kOpen = std::nullopt;
constexpr std::optional<Role> kViewer = Role::kViewer;
constexpr std::optional<Role> kPurger = Role::kPurger;
constexpr std::optional<Role> kAdmin = Role::kAdmin;

constexpr auto kRoutes = std::to_array<Route>({
#define ROUTE(id, method, path, access, summary) {RouteId::id, http::Method::method, path, access, summary},
#include "control-plane/routes.def"
#undef ROUTE
});

constexpr std::string_view kPlace = "{id}";

// Whether a path is that of a route; what stands for its {id}.
bool matches(std::string_view pattern, std::string_view path, std::string& id) {
  const std::size_t place = pattern.find(kPlace);
  if (place == std::string_view::npos) return pattern == path;
  if (!path.starts_with(pattern.substr(0, place))) return false;
  id = path.substr(place);
  return !id.empty() && id.find('/') == std::string::npos;
}

std::string_view method_name(http::Method method) {
  switch (method) {
    case http::Method::kPost:
      return "POST";
    case http::Method::kDelete:
      return "DELETE";
    default:
      return "GET";
  }
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const int letter = (c | 0x20) - 'a';
  return letter >= 0 && letter < 6 ? letter + 10 : -1;
}

bool decode(std::string_view text, std::string& to) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      to += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? digit_of(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? digit_of(text[i + 2]) : -1;
    if (high < 0 || low < 0) return false;
    to += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return true;
}

}  // namespace

std::span<const Route> all_routes() { return kRoutes; }

RouteMatch find_route(http::Method method, std::string_view path) {
  RouteMatch match;
  // A HEAD is answered as a GET whose body is left out.
  const http::Method wanted = method == http::Method::kHead ? http::Method::kGet : method;
  for (const Route& route : kRoutes) {
    std::string id;
    if (!matches(route.path, path, id)) continue;
    if (route.method == wanted) {
      match.route = &route;
      match.id = std::move(id);
      return match;
    }
    match.allowed.append(match.allowed.empty() ? "" : ", ").append(method_name(route.method));
    if (route.method == http::Method::kGet) match.allowed += ", HEAD";
  }
  return match;
}

Query query_value(std::string_view query, std::string_view name) {
  Query found;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) != name) continue;
    std::string value;
    if (found.value || !decode(pair.substr(std::min(equals + 1, pair.size())), value)) return {{}, true};
    found.value = std::move(value);
  }
  return found;
}

}  // namespace meridian::control
