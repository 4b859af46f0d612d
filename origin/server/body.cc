#include "origin/server/body.h"

#include <utility>

namespace meridian::origin {

void SegmentBody::next(Done done) {
  while (at_ < segments_.size()) {
    const Segment& segment = segments_[at_];
    if (!segment.text.empty()) {
      ++at_;
      return done(Slice::copy_of(segment.text));
    }
    if (done_in_segment_ < segment.size) {
      return content_->read(segment.offset + done_in_segment_, segment.size - done_in_segment_,
                            [this, done = std::move(done)](Result<Slice> bytes) {
                              if (bytes) done_in_segment_ += bytes->size;
                              done(std::move(bytes));
                            });
    }
    ++at_, done_in_segment_ = 0;
  }
  done(Slice());
}

TimedBody::TimedBody(EventLoop& loop, std::int64_t interval_ms, Make make)
    : interval_ms_(interval_ms), make_(std::move(make)), timer_(loop, [this] { give(); }) {}

void TimedBody::next(Done done) {
  waiting_ = std::move(done);
  if (number_ == 0 || interval_ms_ == 0)
    give();
  else
    timer_.arm(interval_ms_);
}

void TimedBody::give() {
  const std::string piece = make_(number_++);
  const Done done = std::exchange(waiting_, nullptr);
  done(piece.empty() ? Slice() : Slice::copy_of(piece));
}

}  // namespace meridian::origin
