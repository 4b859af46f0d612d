#include "edge/fill.h"

#include <algorithm>
#include <utility>

#include "edge/fill_board.h"
#include "lib/base/check.h"

namespace meridian::edge {

Fill::View Fill::view() const {
  const Lock lock(*this);
  return view_;
}

void Fill::publish_head(FillHead&& head, bool shareable, bool retain) {
  {
    const Lock lock(*this);
    CHECK(view_.verdict == Verdict::kPending);
    head_ = std::move(head);
    retain_ = retain;
    view_.verdict = shareable ? Verdict::kStream : Verdict::kAlone;
  }
  notify();
}

void Fill::publish_object(Ref<const Object> object, int fwd_status, bool shareable) {
  {
    const Lock lock(*this);
    CHECK(view_.verdict == Verdict::kPending);
    object_ = std::move(object);
    fwd_status_ = fwd_status;
    view_ = {shareable ? Verdict::kObject : Verdict::kAlone, Body::kWhole};
  }
  notify();
}

void Fill::publish_error(Error error) {
  {
    const Lock lock(*this);
    if (view_.body != Body::kFlowing) return;
    error_ = std::move(error);
    if (view_.verdict == Verdict::kPending) view_.verdict = Verdict::kFailed;
    view_.body = Body::kBroken;
  }
  notify();
}

void Fill::abandon() {
  {
    const Lock lock(*this);
    if (view_.body != Body::kFlowing) return;
    if (view_.verdict == Verdict::kPending) view_.verdict = Verdict::kAlone;
    view_.body = Body::kBroken;
  }
  notify();
}

void Fill::append(Slice piece) {
  if (piece.size == 0) return;
  {
    const Lock lock(*this);
    const std::uint64_t offset = end_offset_;
    end_offset_ += piece.size;
    pieces_.push_back({offset, std::move(piece)});
  }
  notify();
}

void Fill::finish(std::string trailer_block) {
  {
    const Lock lock(*this);
    CHECK(view_.body == Body::kFlowing && view_.verdict != Verdict::kPending);
    head_.trailer_block = std::move(trailer_block);
    view_.body = Body::kWhole;
  }
  notify();
}

bool Fill::should_pause() {
  const Lock lock(*this);
  if (retain_) return false;
  drop_read_locked();
  producer_waits_ = !backing_ && end_offset_ - first_offset_ > kWindow;
  return producer_waits_;
}

std::size_t Fill::reader_count() const {
  const Lock lock(*this);
  return alone_ ? std::size_t{sole_cursor_ != nullptr} : cursors_.size();
}

std::uint64_t Fill::produced_bytes() const {
  const Lock lock(*this);
  return end_offset_;
}

void Fill::stop_retaining() {
  const Lock lock(*this);
  retain_ = false;
  drop_read_locked();
}

void Fill::set_backing(Ref<const RefCounted> body, std::uint64_t readable) {
  Ref<const RefCounted> old;
  const Lock lock(*this);
  retain_ = false;
  old = std::exchange(backing_, std::move(body));
  readable_ = readable;
  drop_read_locked();
}

Ref<const RefCounted> Fill::backing() const {
  const Lock lock(*this);
  return backing_;
}

void Fill::advance(Cursor& cursor, std::uint64_t bytes) {
  const Lock lock(*this);
  cursor.offset += bytes;
}

std::vector<Slice> Fill::take_body() {
  const Lock lock(*this);
  CHECK(retain_ && first_offset_ == 0);
  std::vector<Slice> body;
  body.reserve(pieces_.size());
  for (const Piece& piece : pieces_) body.push_back(piece.slice);
  return body;
}

Ref<const Object> Fill::object() const {
  const Lock lock(*this);
  return object_;
}

Error Fill::error() const {
  const Lock lock(*this);
  return error_;
}

std::size_t Fill::read(Cursor& cursor, Slice* to, std::size_t max, View& view) {
  const Lock lock(*this);
  if (cursor.offset < first_offset_) {
    view = view_;
    view.behind = static_cast<bool>(backing_);
    view.body = view.behind ? Body::kFlowing : Body::kBroken;
    return 0;
  }
  std::size_t count = 0;
  const auto first = pieces_.begin() + static_cast<std::ptrdiff_t>(first_piece_);
  auto at = std::partition_point(first, pieces_.end(), [&](const Piece& piece) {
    return piece.offset + piece.slice.size <= cursor.offset;
  });
  for (; at != pieces_.end() && count < max; ++at) {
    const std::size_t skip = static_cast<std::size_t>(cursor.offset - at->offset);
    to[count++] = skip == 0 ? at->slice : at->slice.sub(skip, at->slice.size - skip);
    cursor.offset = at->offset + at->slice.size;
  }
  if (!retain_) drop_read_locked();
  view = view_;
  // More is there than `max` took: for this reader the body still flows.
  if (cursor.offset < end_offset_) view.body = Body::kFlowing;
  if (producer_waits_ && end_offset_ - first_offset_ <= kWindow / 2) {
    producer_waits_ = false;
    view.producer_waits = true;
  }
  return count;
}

void Fill::drop_read_locked() {
  if (pieces_.empty()) return;
  std::uint64_t slowest = end_offset_;
  if (sole_cursor_ != nullptr) slowest = std::min(slowest, sole_cursor_->offset);
  for (const Cursor* cursor : cursors_) slowest = std::min(slowest, cursor->offset);
  if (backing_) {
    // What cannot be read there yet stays, also when all have it: others may still come.
    const std::uint64_t window_begin = end_offset_ - std::min(end_offset_, kWindow);
    slowest = std::min(std::max(slowest, window_begin), readable_);
  }
  for (; first_piece_ < pieces_.size(); ++first_piece_) {
    Piece& piece = pieces_[first_piece_];
    if (piece.offset + piece.slice.size > slowest) break;
    first_offset_ = piece.offset + piece.slice.size;
    piece.slice = {};
  }
  // The rest moves up when it is the smaller part, so that each piece moves but once or twice in its life.
  if (2 * first_piece_ < pieces_.size()) return;
  pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_piece_));
  first_piece_ = 0;
}

void Fill::attach(FillBoard& board, std::atomic<bool>& posted) {
  const Lock lock(*this);
  places_.push_back({&board, &posted});
}

void Fill::detach(FillBoard& board) {
  const Lock lock(*this);
  std::erase_if(places_, [&](const Place& place) { return place.board == &board; });
}

bool Fill::add_cursor(const Cursor* cursor) {
  const Lock lock(*this);
  if (cursor->offset < first_offset_ && !backing_) return false;
  if (alone_)
    sole_cursor_ = cursor;
  else
    cursors_.push_back(cursor);
  return true;
}

void Fill::remove_cursor(const Cursor* cursor) {
  const Lock lock(*this);
  if (alone_)
    sole_cursor_ = nullptr;
  else
    std::erase(cursors_, cursor);
  if (!retain_) drop_read_locked();
}

void Fill::notify() {
  if (alone_) return owner_.dispatch(*this);
  bool here = false;
  const std::shared_ptr<Fill> self = shared_from_this();
  {
    const Lock lock(*this);
    for (const Place& place : places_) {
      if (place.board == &owner_)
        here = true;
      else
        place.board->wake(self, *place.posted);
    }
  }
  if (here) owner_.dispatch(*self);
}

}  // namespace meridian::edge
