#include "edge/body_plan.h"

#include <utility>

#include "lib/base/check.h"

namespace meridian::edge {

void BodyPlan::range(std::uint64_t begin, std::uint64_t end) {
  std::vector<Part> one(1);
  one[0].begin = begin;
  one[0].end = end;
  parts(std::move(one), {});
}

void BodyPlan::parts(std::vector<Part> parts, std::string closing) {
  CHECK(!parts.empty());
  *this = BodyPlan();
  parts_ = std::move(parts);
  closing_ = std::move(closing);
  position_ = parts_[0].begin;
}

std::uint64_t BodyPlan::next_offset() const { return done_ || everything() ? 0 : position_; }

}  // namespace meridian::edge
