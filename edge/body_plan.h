#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/bytes.h"

namespace meridian::edge {

// Which bytes of a body go out, in order, and the text between them: everything for most responses, one
// range, or the parts of multipart/byteranges (RFC 9110 section 14.6).
class BodyPlan {
 public:
  struct Part {
    std::string before;       // text in front of the part
    std::uint64_t begin = 0;  // of the source's bytes
    std::uint64_t end = UINT64_MAX;
  };
  // The source holds the body from `source_begin` on (a stored part does not begin at 0).
  void all() { *this = BodyPlan(); }
  void range(std::uint64_t begin, std::uint64_t end);
  void parts(std::vector<Part> parts, std::string closing);

  bool everything() const { return parts_.empty(); }
  // Nothing is left to send.
  bool done() const { return done_; }
  // The first byte of the source that is needed next.
  std::uint64_t next_offset() const;
  // Where the part that is being sent ends.
  std::uint64_t part_end() const { return done_ || everything() ? UINT64_MAX : parts_[at_].end; }
  // True when the next part lies before `offset`: the source must be read again from next_offset().
  bool must_rewind(std::uint64_t offset) const { return !done_ && !everything() && next_offset() < offset; }

  // Takes what is wanted of a piece that stands at `offset` of the source; emit(Slice) for each run of bytes
  // or text.
  template <class Emit>
  void take(const Slice& piece, std::uint64_t offset, Emit&& emit);

 private:
  std::vector<Part> parts_;
  std::size_t at_ = 0;
  std::uint64_t position_ = 0;  // within the part at_
  bool begun_ = false;          // its `before` is out
  bool done_ = false;
  std::string closing_;
};

template <class Emit>
void BodyPlan::take(const Slice& piece, std::uint64_t offset, Emit&& emit) {
  if (everything()) {
    emit(piece);
    return;
  }
  const std::uint64_t piece_end = offset + piece.size;
  while (!done_) {
    const Part& part = parts_[at_];
    if (position_ < offset || position_ >= piece_end) return;
    if (!begun_) {
      if (!part.before.empty()) emit(Slice::copy_of(part.before));
      begun_ = true;
    }
    const std::uint64_t end = part.end < piece_end ? part.end : piece_end;
    emit(piece.sub(static_cast<std::size_t>(position_ - offset), static_cast<std::size_t>(end - position_)));
    position_ = end;
    if (position_ < part.end) return;
    begun_ = false;
    if (++at_ == parts_.size()) {
      if (!closing_.empty()) emit(Slice::copy_of(closing_));
      done_ = true;
    } else {
      position_ = parts_[at_].begin;
    }
  }
}

}  // namespace meridian::edge
