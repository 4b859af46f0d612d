#pragma once

#include <cstdint>
#include <string>
#include <vector>

// Replaying what was asked for through the code that decides what a cache keeps, without any I/O.
namespace meridian::replay {

using ObjectId = std::uint32_t;  // dense, from 0

struct Request {
  std::int64_t time_ms = 0;
  ObjectId id = 0;
  std::uint32_t ttl_s = 0;  // 0: never stale
};

// Requests in the order of their time. An object has one size: the largest that was seen.
struct Trace {
  std::string name;
  std::vector<Request> requests;
  std::vector<std::uint64_t> object_bytes;  // by id

  // All distinct objects together.
  std::uint64_t footprint_bytes() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t bytes : object_bytes) sum += bytes;
    return sum;
  }
};

}  // namespace meridian::replay
