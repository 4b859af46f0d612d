#include <algorithm>

#include "lib/http/h1_connection.h"

// The bytes of an HTTP/1.1 connection: when to read, how much, and writing.
namespace meridian::http {
namespace {

// How much is read ahead of the request that is being answered: enough to notice a client that leaves, and
// for a few pipelined requests.
constexpr std::size_t kReadAheadBytes = 4096;
// Memory for a request body on its way to the handler.
constexpr std::size_t kBodyBufferBytes = 64 * 1024;
// Beyond the limits of line and fields: empty lines in front, and the ends of line and head.
constexpr std::size_t kSlackBytes = 64;
// Reads in one turn, so that one client cannot hold the loop.
constexpr int kReadsPerTurn = 4;

}  // namespace

void H1Connection::fill() {
  for (int i = 0; i < kReadsPerTurn && wants_to_read() && read_once(); ++i) {
  }
}

bool H1Connection::wants_to_read() const {
  if (client_ended_ || failed_) return false;
  switch (phase_) {
    case Phase::kHead:
      return out_.size() <= kHighWater;
    case Phase::kExchange:
      return body_wanted_ || in_.size() < kReadAheadBytes;
    case Phase::kLinger:
      return true;
    case Phase::kClosed:
      break;
  }
  return false;
}

std::size_t H1Connection::read_max() const {
  if (phase_ == Phase::kHead) return limits_.request_line_bytes + limits_.header_bytes + kSlackBytes;
  if (phase_ == Phase::kLinger) return kBodyBufferBytes;
  return body_wanted_ ? std::max(kBodyBufferBytes, limits_.header_bytes + kSlackBytes) : kReadAheadBytes;
}

// False: there is no more now.
bool H1Connection::read_once() {
  const std::span<char> room = in_.room(read_max());
  if (room.empty()) return false;
  const IoResult result = stream_->read(room.data(), room.size());
  if (result.kind == IoResult::Kind::kEof) client_ended_ = true;
  if (result.kind == IoResult::Kind::kError) failed_ = true;
  if (result.kind != IoResult::Kind::kOk) return false;
  in_.commit(result.bytes);
  received_bytes_ += result.bytes;
  if (phase_ == Phase::kLinger) {
    lingered_bytes_ += in_.size();
    in_.consume(in_.size());
  } else if (body_wanted_) {
    set_deadline(read_deadline_ms_, limits_.body_timeout_ms);
  }
  return result.bytes == room.size();
}

// False: the stream is broken.
bool H1Connection::flush() {
  const std::size_t before = out_.size();
  if (before == 0) return true;
  if (out_.flush(*stream_) == IoResult::Kind::kError) {
    failed_ = true;
    return false;
  }
  if (out_.size() != before) left_deadline_ms_ = 0;  // it may still be reading
  if (out_.empty()) {
    write_deadline_ms_ = 0;
  } else if (out_.size() != before || write_deadline_ms_ == 0) {
    set_deadline(write_deadline_ms_, limits_.write_timeout_ms);
  }
  return true;
}

void H1Connection::update_interest() {
  if (phase_ == Phase::kClosed) return;
  const bool read = wants_to_read();
  const bool write = !out_.empty();
  if (read == want_read_ && write == want_write_) return;
  want_read_ = read;
  want_write_ = write;
  stream_->want(read, write);
}

}  // namespace meridian::http
