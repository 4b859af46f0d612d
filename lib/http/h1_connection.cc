#include "lib/http/h1_connection.h"

#include <algorithm>
#include <string>
#include <utility>

#include "lib/base/check.h"
#include "lib/http/date.h"

namespace meridian::http {
namespace {

constexpr std::int64_t kLingerMs = 2000;
// How long a connection that is being drained waits for its very first request.
constexpr std::int64_t kFirstRequestGraceMs = 2000;
// A client that has ended its side may still read (RFC 9112 section 9.6 lets it), or be gone: only a write
// tells. This long it is waited upon while there is nothing to write.
constexpr std::int64_t kHalfClosedMs = 5000;
constexpr std::size_t kLingerBytes = 1024 * 1024;
constexpr std::size_t kLowWater = Exchange::kHighWater / 4;

}  // namespace

std::unique_ptr<ServerConnection> ServerConnection::create(EventLoop& loop, std::unique_ptr<Stream> stream,
                                                           const ServerLimits& limits, ConnectionHost& host) {
  return std::make_unique<H1Connection>(loop, std::move(stream), limits, host);
}

H1Connection::H1Connection(EventLoop& loop, std::unique_ptr<Stream> stream, const ServerLimits& limits,
                           ConnectionHost& host)
    : loop_(loop),
      stream_(std::move(stream)),
      limits_(limits),
      host_(host),
      timer_(loop, [this] { on_timer(); }),
      soon_(loop, [this] { run(); }),
      body_({limits.request_line_bytes, limits.header_bytes, limits.header_count}, limits.body_bytes) {
  stream_->set_handler(this);
  set_deadline(read_deadline_ms_, limits_.idle_timeout_ms);
  update_interest();
}

H1Connection::~H1Connection() {
  for (Guard* guard = guard_; guard != nullptr; guard = guard->outer_) guard->connection_ = nullptr;
  guard_ = nullptr;
  ExchangeHandler* handler = std::exchange(handler_, nullptr);
  if (handler != nullptr && phase_ == Phase::kExchange) handler->on_closed(false);
}

void H1Connection::drain() {
  draining_ = true;
  if (requests_ == 0 && !head_begun_) {
    set_deadline(read_deadline_ms_, std::min(limits_.idle_timeout_ms, kFirstRequestGraceMs));
  }
  kick();  // not at once: the host may be walking over its connections
}

// Has run() look at what has changed, unless it will anyway.
void H1Connection::kick() {
  if (!running_) soon_.schedule();
}

void H1Connection::on_readable() {
  fill();
  run();
}

void H1Connection::on_writable() { run(); }

void H1Connection::run() {
  if (phase_ == Phase::kClosed && ending_ != Ending::kTunnel) return;
  running_ = true;
  Step result = Step::kAgain;
  while (result == Step::kAgain) result = step();
  if (result == Step::kGone || !settle()) return;
  running_ = false;
}

H1Connection::Step H1Connection::step() {
  if (ending_ == Ending::kTunnel) return hand_over();
  if (failed_ || ending_ == Ending::kAbort) return close();
  if (read_expired_) {
    read_expired_ = false;
    return read_deadline_passed();
  }
  switch (phase_) {
    case Phase::kHead:
      return next_request();
    case Phase::kExchange:
      if (body_wanted_) {
        const Step delivered = deliver_body();
        if (delivered != Step::kWait) return delivered;
      }
      return response_.finished() || ending_ == Ending::kTruncate ? end_exchange() : Step::kWait;
    case Phase::kLinger:
      return linger();
    case Phase::kClosed:
      break;
  }
  return Step::kGone;
}

// Writes what the turn has brought, tells a sender that waited, and sees to interest. False: gone.
bool H1Connection::settle() {
  if (!flush()) return close() != Step::kGone;
  if (phase_ == Phase::kExchange && above_water_ && out_.size() <= kLowWater) {
    above_water_ = false;
    if (handler_ != nullptr && open()) {
      Guard guard(*this);
      soon_.schedule();  // for what it sends now; the loop gets to others first
      handler_->on_drained();
      if (guard.gone()) return false;
    }
  }
  watch_for_leaving();
  update_interest();
  return true;
}

// Without this an exchange that is silent (server-sent events, a long poll) would outlive its client until
// the origin speaks, and the app would take the client for present.
void H1Connection::watch_for_leaving() {
  if (!client_ended_ || phase_ != Phase::kExchange || !out_.empty()) {
    left_deadline_ms_ = 0;
  } else if (left_deadline_ms_ == 0) {
    set_deadline(left_deadline_ms_, kHalfClosedMs);
  }
}

// Says goodbye with a page of the host; the client gets time to read it.
H1Connection::Step H1Connection::refuse(int status, std::string_view reason) {
  const std::string_view page = host_.on_bad_request({status, reason}, stream_->peer());
  char date[kHttpDateBytes];
  format_http_date(loop_.wall_ms() / 1000, date);
  std::string block;
  append_field(block, "Date", std::string_view(date, sizeof date));
  if (!page.empty()) append_field(block, "Content-Type", "text/plain; charset=utf-8");
  append_field(block, "Content-Length", std::to_string(page.size()));
  append_field(block, "Connection", "close");
  append_status_line(status, {}, out_);
  out_.append(block);
  out_.append("\r\n");
  out_.append(page);
  begin_linger();
  return Step::kAgain;
}

void H1Connection::begin_linger() {
  phase_ = Phase::kLinger;
  read_deadline_ms_ = 0;
  lingered_bytes_ = in_.size();
  in_.unpin();
  in_.consume(in_.size());
}

// All is said. A close right now would make the kernel send RST for what the client still sends, and that may
// overtake the answer: so FIN first, and the rest is dropped for a while (RFC 9112 section 9.6).
H1Connection::Step H1Connection::linger() {
  if (!flush()) return close();
  if (!out_.empty()) return Step::kWait;
  if (!write_ended_) {
    write_ended_ = true;
    stream_->shutdown_write();
    set_deadline(read_deadline_ms_, kLingerMs);
  }
  return client_ended_ || lingered_bytes_ > kLingerBytes ? close() : Step::kWait;
}

// A response that was cut off ends in RST, so that it cannot pass for a whole one (RFC 9112 section 8).
H1Connection::Step H1Connection::close() {
  const bool cut = !out_.empty() || (phase_ == Phase::kExchange && response_.started());
  if (cut && ending_ != Ending::kTruncate) stream_->reset_on_close();
  const Phase phase = std::exchange(phase_, Phase::kClosed);
  ExchangeHandler* handler = std::exchange(handler_, nullptr);
  if (handler != nullptr && phase == Phase::kExchange) {
    Guard guard(*this);
    handler->on_closed(false);
    if (guard.gone()) return Step::kGone;
  }
  timer_.cancel();
  soon_.cancel();
  stream_.reset();
  host_.on_connection_closed(*this);
  return Step::kGone;
}

// The stream has a new owner: nothing is left to do here.
H1Connection::Step H1Connection::hand_over() {
  ending_ = Ending::kNone;
  soon_.cancel();
  host_.on_connection_closed(*this);
  return Step::kGone;
}

void H1Connection::set_deadline(std::int64_t& deadline_ms, std::int64_t delay_ms) {
  deadline_ms = loop_.now_ms() + delay_ms;
  wake_at(deadline_ms);
}

void H1Connection::wake_at(std::int64_t deadline_ms) {
  if (wake_ms_ != 0 && wake_ms_ <= deadline_ms) return;
  wake_ms_ = deadline_ms;
  timer_.arm(deadline_ms - loop_.now_ms());
}

void H1Connection::on_timer() {
  wake_ms_ = 0;
  if (phase_ == Phase::kClosed) return;
  const std::int64_t now_ms = loop_.now_ms();
  const auto passed = [now_ms](std::int64_t deadline_ms) {
    return deadline_ms != 0 && deadline_ms <= now_ms;
  };
  if (passed(write_deadline_ms_) || passed(left_deadline_ms_)) failed_ = true;
  if (passed(write_deadline_ms_)) host_.on_silent_timeout(ConnectionHost::SilentTimeout::kWrite);
  if (passed(read_deadline_ms_)) {
    read_deadline_ms_ = 0;
    read_expired_ = true;
  }
  for (std::int64_t deadline_ms : {read_deadline_ms_, write_deadline_ms_, left_deadline_ms_}) {
    if (deadline_ms > now_ms) wake_at(deadline_ms);
  }
  if (failed_ || read_expired_) run();
}

H1Connection::Step H1Connection::read_deadline_passed() {
  switch (phase_) {
    case Phase::kHead:
      if (head_begun_) return refuse(BadMessage::kHeaderTimeout);
      if (!draining_) host_.on_silent_timeout(ConnectionHost::SilentTimeout::kIdle);
      return close();
    case Phase::kExchange:
      return fail_body(status_of(BadMessage::kBodyTimeout), token_of(BadMessage::kBodyTimeout));
    case Phase::kLinger:
    case Phase::kClosed:
      break;
  }
  return close();
}

}  // namespace meridian::http
