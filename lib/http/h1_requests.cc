#include <utility>

#include "lib/http/h1_connection.h"

// The requests of an HTTP/1.1 connection: from bytes to an exchange, its body, and its end.
namespace meridian::http {
namespace {

// Answers to pipelined requests are gathered up to this much before they are written.
constexpr std::size_t kBatchBytes = 64 * 1024;
// A head that was not whole is looked at again when a line has ended or this much has come.
constexpr std::size_t kParseAgainBytes = 1024;

}  // namespace

// Keeps a client that sends byte by byte from having its head parsed as often.
bool H1Connection::worth_parsing() const {
  const std::string_view unread = in_.unread();
  return parsed_bytes_ == 0 || unread.size() >= limits_.header_bytes ||
         unread.size() - parsed_bytes_ >= kParseAgainBytes ||
         unread.find('\n', parsed_bytes_) != std::string_view::npos;
}

H1Connection::Step H1Connection::next_request() {
  if (out_.size() > kHighWater) {
    if (!flush()) return close();
    if (out_.size() > kHighWater) return Step::kWait;
  }
  if (!in_.empty() && worth_parsing()) {
    const HeadLimits limits{limits_.request_line_bytes, limits_.header_bytes, limits_.header_count};
    const ParseResult result = parse_request_head(in_.unread(), limits, head_);
    if (result.state == ParseState::kDone) return begin_exchange(result.consumed);
    if (result.state == ParseState::kBad) return refuse(result.status, result.reason);
    parsed_bytes_ = in_.size();
    if (!head_begun_) {
      head_begun_ = true;
      started_ms_ = loop_.now_ms();
      set_deadline(read_deadline_ms_, limits_.header_timeout_ms);
    }
  }
  // A client that has just connected has its request on the way: it is still served.
  if (client_ended_ || (draining_ && in_.empty() && requests_ > 0)) {
    if (!flush()) return close();
    if (out_.empty()) return close();
  }
  return Step::kWait;
}

H1Connection::Step H1Connection::begin_exchange(std::size_t head_bytes) {
  if (!head_begun_) started_ms_ = loop_.now_ms();
  head_begun_ = false;
  parsed_bytes_ = 0;
  read_deadline_ms_ = 0;
  ++requests_;
  in_.consume_pinned(head_bytes);

  Framing framing;
  const ParseResult framed = request_framing(head_, framing);
  if (framed.state == ParseState::kBad) return refuse(framed.status, framed.reason);
  if (const std::optional<BadMessage> bad = check_request(framing)) return refuse(*bad);

  phase_ = Phase::kExchange;
  body_.begin(framing);
  response_.begin(head_.method, head_.version);
  ending_ = Ending::kNone;
  client_closes_ = !framing.keep_alive;
  const bool last = limits_.requests_per_connection != 0 && requests_ >= limits_.requests_per_connection;
  keep_alive_ = framing.keep_alive && !last;
  close_after_ = body_wanted_ = body_read_ = above_water_ = false;

  Guard guard(*this);
  host_.on_request(*this);
  return guard.gone() ? Step::kGone : Step::kAgain;
}

// What a head that is well formed may still ask in vain.
std::optional<BadMessage> H1Connection::check_request(const Framing& framing) {
  const std::string_view scheme = stream_->tls() != nullptr ? "https" : "http";
  if (head_.scheme.empty()) head_.scheme = scheme;
  if (head_.scheme != scheme) return BadMessage::kMisdirected;
  if (limits_.body_bytes != 0 && framing.length > limits_.body_bytes) return BadMessage::kBodyTooLarge;
  expects_continue_ = false;
  // In HTTP/1.0 an expectation means nothing (RFC 9110 section 10.1.1).
  if (head_.fields.has(FieldId::kExpect) && head_.version != Version::kHttp10) {
    const bool known = head_.fields.count(FieldId::kExpect) == 1 &&
                       equals_ignoring_case(head_.fields.value(FieldId::kExpect), "100-continue");
    if (!known) return BadMessage::kExpectation;
    expects_continue_ = framing.kind != Framing::Kind::kNone;
  }
  return std::nullopt;
}

// Hands one piece of the body to the handler that asked for it.
H1Connection::Step H1Connection::deliver_body() {
  const RequestBody::Step piece = body_.next(in_.unread());
  if (piece.state == ParseState::kBad) return fail_body(piece.status, piece.reason);
  in_.consume(piece.consumed);
  const bool last = piece.state == ParseState::kDone;
  if (piece.data.empty() && !last) {
    if (piece.consumed != 0) return Step::kAgain;
    if (client_ended_) return close();  // the body will never be whole (RFC 9112 section 8)
    if (read_deadline_ms_ == 0) set_deadline(read_deadline_ms_, limits_.body_timeout_ms);
    return Step::kWait;
  }
  body_wanted_ = false;
  read_deadline_ms_ = 0;
  if (handler_ == nullptr) return Step::kAgain;
  static const FieldList kNoTrailers;
  Guard guard(*this);
  handler_->on_request_body(piece.data, last, last ? body_.trailers() : kNoTrailers);
  return guard.gone() ? Step::kGone : Step::kAgain;
}

// The request's body broke its framing, a limit or a deadline.
H1Connection::Step H1Connection::fail_body(int status, std::string_view reason) {
  if (response_.started()) return close();
  if (!complete(false)) return Step::kGone;
  return refuse(status, reason);
}

bool H1Connection::body_is_here() const {
  if (body_.done()) return true;
  RequestBody probe = body_;
  std::string_view rest = in_.unread();
  for (;;) {
    const RequestBody::Step piece = probe.next(rest);
    if (piece.state != ParseState::kNeedMore) return piece.state == ParseState::kDone;
    if (piece.consumed == 0) return false;
    rest.remove_prefix(piece.consumed);
  }
}

// Drops what has come of a body that nobody will read. If that is not all of it, the next request cannot be
// found: the connection ends.
void H1Connection::skip_body() {
  while (!body_.done()) {
    const RequestBody::Step piece = body_.next(in_.unread());
    in_.consume(piece.consumed);
    if (piece.state == ParseState::kBad || (piece.consumed == 0 && !body_.done())) {
      keep_alive_ = false;
      return;
    }
  }
}

H1Connection::Step H1Connection::end_exchange() {
  body_wanted_ = false;
  skip_body();
  const bool truncated = ending_ == Ending::kTruncate;
  const bool persists = keep_alive_ && !truncated;
  const bool gather = persists && !in_.empty() && out_.size() <= kBatchBytes;
  if (!gather) {
    if (!flush()) return close();
    if (!out_.empty()) return Step::kWait;
  }
  if (!complete(!truncated)) return Step::kGone;
  if (persists) return Step::kAgain;
  // The client knows that it was its last request, so that it sends nothing that a plain close could answer
  // with RST.
  if (client_closes_ && in_.empty() && body_.done()) return close();
  begin_linger();
  return Step::kAgain;
}

// The exchange is over. False: the connection is gone.
bool H1Connection::complete(bool completed) {
  ExchangeHandler* handler = std::exchange(handler_, nullptr);
  if (handler != nullptr) {
    Guard guard(*this);
    handler->on_closed(completed);
    if (guard.gone()) return false;
  }
  phase_ = Phase::kHead;
  ending_ = Ending::kNone;
  in_.unpin();
  in_.shrink();
  set_deadline(read_deadline_ms_, limits_.idle_timeout_ms);
  return true;
}

}  // namespace meridian::http
