#include "edge/slice_tee.h"

#include <algorithm>
#include <utility>

#include "lib/base/check.h"

namespace meridian::edge {

SliceTee::SliceTee(Store& store, Ref<const Object> object, const SliceGrid& grid, const Span& part,
                   const ObjectMeta& meta, std::function<bool()> still_valid)
    : store_(store),
      object_(std::move(object)),
      grid_(grid),
      part_(part),
      meta_(meta),
      still_valid_(std::move(still_valid)),
      slice_(grid.around(part.begin)),
      at_(part.begin) {}

void SliceTee::append(Slice bytes) {
  CHECK(takes(bytes.size));
  while (bytes.size > 0) {
    const std::uint64_t part = std::min<std::uint64_t>(bytes.size, slice_.end - at_);
    const bool is_whole = slice_.begin >= part_.begin && slice_.end <= part_.end;
    if (is_whole) {
      pieces_.push_back(bytes.sub(0, part));
      held_bytes_ += part;
    }
    at_ += part;
    bytes = bytes.sub(part, bytes.size - part);
    if (at_ < slice_.end) return;
    if (is_whole) put();
    if (at_ < part_.end) slice_ = grid_.around(at_);
  }
}

void SliceTee::put() {
  const bool kept = store_.put_slice(*object_, slice_.begin, meta_, pieces_, still_valid_);
  ++(kept ? kept_ : refused_);
  pieces_.clear();
  held_bytes_ = 0;
}

}  // namespace meridian::edge
