#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "edge/fill_board.h"

namespace meridian::edge {

class Worker;

// One lookup in the cold tiers that all who wait for the key share, on any worker: nothing is read twice at
// once. It ends with the object, or with being abandoned when there is none. Keeps itself alive until its
// tiers have answered; belongs to the loop of the worker that began it.
class Recall final : public FillProducer, public std::enable_shared_from_this<Recall> {
 public:
  // `fill` is found under `collapse_key` until the end. `generation` is that of the primary key when it
  // began: what was invalidated since is not found.
  Recall(Worker& worker, std::shared_ptr<Fill> fill, std::uint64_t primary_hash, std::uint64_t generation);
  ~Recall();
  void start(const std::string& key);

 private:
  void on_readers_changed() override {}  // the answer is wanted by those who come later too
  void end(Ref<const Object> object);
  bool still_valid(std::int64_t response_time_s) const;

  Worker& worker_;
  const std::shared_ptr<Fill> fill_;
  const std::uint64_t primary_hash_;
  const std::uint64_t generation_;
};

}  // namespace meridian::edge
