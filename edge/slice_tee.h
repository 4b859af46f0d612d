#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "edge/slice_plan.h"
#include "edge/store.h"

namespace meridian::edge {

// Puts a part of a body into the store as it comes: every slice that lies wholly in it, when its last byte is
// here. Holds at most one slice. On the worker's loop.
class SliceTee {
 public:
  // What will come is `part` of the body of `object`, a far one. `meta` is of the response that brings it.
  SliceTee(Store& store, Ref<const Object> object, const SliceGrid& grid, const Span& part,
           const ObjectMeta& meta, std::function<bool()> still_valid);
  // Whether so many more bytes are of the part.
  bool takes(std::uint64_t bytes) const { return bytes <= part_.end - at_; }
  void append(Slice bytes);
  std::uint64_t held_bytes() const { return held_bytes_; }
  unsigned kept() const { return kept_; }
  unsigned refused() const { return refused_; }

 private:
  void put();

  Store& store_;
  const Ref<const Object> object_;
  const SliceGrid grid_;
  const Span part_;
  const ObjectMeta meta_;
  const std::function<bool()> still_valid_;
  Span slice_;        // that is being collected
  std::uint64_t at_;  // of the body: the byte that comes next
  std::vector<Slice> pieces_;
  std::uint64_t held_bytes_ = 0;
  unsigned kept_ = 0;
  unsigned refused_ = 0;
};

}  // namespace meridian::edge
