#include <algorithm>
#include <utility>

#include "lib/base/check.h"
#include "lib/http/h1_connection.h"

// What a handler does with its exchange. Nothing here calls a handler: run() does, later.
namespace meridian::http {

std::optional<std::uint64_t> H1Connection::request_length() const {
  return body_.has_length() ? std::optional(body_.length()) : std::nullopt;
}

void H1Connection::read_body() {
  if (phase_ != Phase::kExchange || ending_ != Ending::kNone) return;
  body_read_ = body_wanted_ = true;
  // A client that has begun with its body does not wait any more (RFC 9110 section 10.1.1).
  if (std::exchange(expects_continue_, false) && in_.empty()) send_informational(100, {});
  kick();
}

void H1Connection::send_informational(int status, std::string_view block) {
  // A client of HTTP/1.0 does not know them (RFC 9110 section 15.2); 101 is upgrade()'s.
  if (!open() || response_.started() || head_.version == Version::kHttp10 || status < 100 || status > 199 ||
      status == 101) {
    return;
  }
  if (status == 100) expects_continue_ = false;
  const std::size_t before = out_.size();
  append_informational(status, block, out_);
  response_.add_bytes(out_.size() - before);
  kick();
}

void H1Connection::send_head(const ResponseStart& start) {
  if (!open()) return;
  if (response_.started()) return BUG_COUNT();
  const bool persists = keep_alive_ && !close_after_ && !draining_ && (body_read_ || body_is_here());
  keep_alive_ = response_.write_head(start, persists, out_);
  kick();
}

void H1Connection::send_body(Slice bytes) {
  if (!open()) return;
  if (!response_.started()) return BUG_COUNT();
  response_.write_body(std::move(bytes), out_);
  if (out_.size() >= kHighWater) above_water_ = true;
  kick();
}

void H1Connection::finish(std::string_view trailer_block) {
  if (!open()) return;
  if (!response_.started()) {
    BUG_COUNT();
    return abort();
  }
  if (!response_.finish(trailer_block, out_)) return abort();
  if (close_after_) keep_alive_ = false;
  kick();
}

void H1Connection::abort() {
  if (phase_ != Phase::kExchange) return;
  stream_->reset_on_close();
  ending_ = Ending::kAbort;
  kick();
}

void H1Connection::truncate() {
  if (!open()) return;
  ending_ = Ending::kTruncate;
  kick();
}

Exchange::Tunnel H1Connection::upgrade(const ResponseStart& start) {
  CHECK(open() && !response_.started());
  append_status_line(start.status, start.reason, out_);
  for (std::string_view block : start.blocks) out_.append(block);
  out_.append("\r\n");
  out_.flush(*stream_);  // a failure shows when the tunnel uses the stream
  Tunnel tunnel;
  if (!out_.empty()) tunnel.unsent = out_.take_all();
  if (!in_.empty()) tunnel.early = Slice::copy_of(in_.unread());
  stream_->set_handler(nullptr);
  stream_->want(false, false);
  former_ = std::make_unique<Former>(Former{stream_->peer(), stream_->local()});
  tunnel.stream = std::move(stream_);
  timer_.cancel();
  handler_ = nullptr;
  phase_ = Phase::kClosed;
  ending_ = Ending::kTunnel;
  kick();
  return tunnel;
}

std::uint64_t H1Connection::bytes_sent() const {
  return response_.bytes() - std::min<std::uint64_t>(response_.bytes(), out_.size());
}

}  // namespace meridian::http
