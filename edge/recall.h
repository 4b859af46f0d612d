#pragma once

#include <cstdint>
#include <string_view>

#include "edge/tiers/object.h"

namespace meridian::edge {

class Request;
class Worker;

// One lookup in the cold tiers, of one worker: for the request that began it, and for all who joined it by
// RecallTable, on any worker. Ends with the object, or with nothing. Pooled by its worker, from which it is
// taken until its tiers have answered, also when nobody waits any more.
class Recall {
 public:
  explicit Recall(Worker& worker) : worker_(worker) {}
  Recall(const Recall&) = delete;
  Recall& operator=(const Recall&) = delete;

  // `hash` is that of `key`; `generation` is that of the primary key when it began: what was invalidated
  // since is not found. `asker` is told, perhaps inside.
  void start(Request& asker, std::uint64_t hash, std::string_view key, std::uint64_t primary_hash,
             std::uint32_t generation);
  // The request that began it has gone.
  void forget() { asker_ = nullptr; }

 private:
  void end(Ref<const Object> object);
  bool still_valid(std::int64_t response_time_s) const;

  Worker& worker_;
  Request* asker_ = nullptr;
  std::uint64_t hash_ = 0;
  std::uint64_t primary_hash_ = 0;
  std::uint32_t generation_ = 0;
};

}  // namespace meridian::edge
