#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/net/event_loop.h"
#include "origin/server/content.h"

namespace meridian::origin {

// The body of one response, in pieces. On one loop; dropping it cancels.
class Body {
 public:
  // An empty slice is the end.
  using Done = std::function<void(Result<Slice>)>;
  virtual ~Body() = default;
  // Gives the next piece, perhaps at once. One at a time.
  virtual void next(Done done) = 0;
};

// Text that stands as it is, or a range of the content: a whole body, one range, or the parts of
// multipart/byteranges.
struct Segment {
  std::string text;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;  // of the range; unused with text
};

class SegmentBody final : public Body {
 public:
  SegmentBody(std::unique_ptr<Content> content, std::vector<Segment> segments)
      : content_(std::move(content)), segments_(std::move(segments)) {}
  void next(Done done) override;

 private:
  std::unique_ptr<Content> content_;
  std::vector<Segment> segments_;
  std::size_t at_ = 0;
  std::uint64_t done_in_segment_ = 0;
};

// Pieces made one after the other with a pause between them: event streams, slow bodies. The first comes at
// once.
class TimedBody final : public Body {
 public:
  // Makes the piece with this number; an empty one ends the body.
  using Make = std::function<std::string(std::uint64_t number)>;
  TimedBody(EventLoop& loop, std::int64_t interval_ms, Make make);
  void next(Done done) override;

 private:
  void give();
  std::int64_t interval_ms_;
  Make make_;
  std::uint64_t number_ = 0;
  Done waiting_;
  Timer timer_;
};

}  // namespace meridian::origin
