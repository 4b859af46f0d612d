#include "origin/server/echo.h"

#include <cinttypes>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace meridian::origin {
std::string echo_json(const http::RequestHead& head, std::string_view peer, const BodyDigest& body) {
  nlohmann::ordered_json fields = nlohmann::ordered_json::array();
  for (const http::Field& field : head.fields)
    fields.push_back(nlohmann::ordered_json::array({field.name, field.value}));
  char digest[17];
  std::snprintf(digest, sizeof digest, "%016" PRIx64, body.fnv1a64);
  const nlohmann::ordered_json echo = {
      {"method", head.method_name},  {"target", head.path},    {"version", http::version_name(head.version)},
      {"authority", head.authority}, {"peer", peer},           {"headers", std::move(fields)},
      {"body_bytes", body.bytes},    {"body_fnv1a64", digest},
  };
  // Field values may hold bytes that are no UTF-8: they are shown as replacement characters.
  return echo.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace meridian::origin
