#pragma once

#include <random>

#include "bench/replay/simulate.h"

namespace meridian::replay::test {

// Requests for a few objects, some more popular than others; sizes up to `most_bytes`.
inline Trace random_trace(std::uint64_t seed, std::size_t objects, std::size_t requests,
                          std::uint64_t most_bytes) {
  std::mt19937_64 random(seed);
  Trace trace;
  trace.name = "random";
  for (std::size_t i = 0; i < objects; ++i) trace.object_bytes.push_back(1 + random() % most_bytes);
  for (std::size_t i = 0; i < requests; ++i) {
    const auto id = static_cast<ObjectId>(random() % (1 + random() % objects));
    trace.requests.push_back({static_cast<std::int64_t>(i), id, 0});
  }
  return trace;
}

inline Trace trace_of(const std::vector<ObjectId>& ids, std::vector<std::uint64_t> bytes) {
  Trace trace;
  trace.name = "given";
  trace.object_bytes = std::move(bytes);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    trace.requests.push_back({static_cast<std::int64_t>(1000 * i), ids[i], 0});
  }
  return trace;
}

inline constexpr Rules kCountAll{.warm_up_share = 0};

}  // namespace meridian::replay::test
