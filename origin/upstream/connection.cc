#include "origin/upstream/connection.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "lib/base/check.h"

namespace meridian::upstream {
namespace {

// Between two other events of the loop one connection reads this often at most.
constexpr int kReadsPerTurn = 4;

// The seconds of "timeout=5, max=100".
std::optional<std::int64_t> keep_alive_timeout_ms(std::string_view value) {
  std::optional<std::int64_t> found;
  http::for_each_member(value, [&found](std::string_view member) {
    constexpr std::string_view kName = "timeout=";
    if (member.size() <= kName.size() || !http::equals_ignoring_case(member.substr(0, kName.size()), kName))
      return true;
    std::int32_t seconds = 0;
    member.remove_prefix(kName.size());
    const auto [end, error] = std::from_chars(member.data(), member.data() + member.size(), seconds);
    if (error == std::errc() && seconds >= 0) found = std::int64_t{seconds} * 1000;
    return false;
  });
  return found;
}

// Content-Length of a response that has no body of its own.
std::optional<std::uint64_t> announced_length(const http::ResponseHead& head) {
  const std::string_view text = head.fields.value(http::FieldId::kContentLength);
  std::uint64_t length = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (text.empty() || failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return length;
}

}  // namespace

Connection::Connection(EventLoop& loop, ReadBlocks& blocks, std::unique_ptr<Stream> stream,
                       const http::HeadLimits& limits)
    : blocks_(blocks),
      stream_(std::move(stream)),
      limits_(limits),
      deadline_(loop, [this] { on_deadline(); }),
      resumed_(loop, [this] { on_resumed(); }),
      chunks_(limits) {
  stream_->set_handler(this);
}

void Connection::begin(const Exchange& exchange) {
  DCHECK(phase_ == Phase::kIdle);
  exchange_ = exchange;
  idle_owner_ = nullptr;
  phase_ = Phase::kHead;
  paused_ = received_ = false;
  informational_ = 0;
  ++exchanges_;
  send_more();
}

void Connection::send_more() {
  if (phase_ == Phase::kIdle) return;
  exchange_.request->flush(*stream_);
  want();
  arm();
}

void Connection::want() {
  stream_->want(!paused_, exchange_.request->progress() == Outgoing::Progress::kBlocked);
}

// One deadline is always enough: for the socket to take more of the request, for the first byte behind the
// whole request, or between two pieces of the response. While we ourselves wait for the request's body, or
// for the reader of the response, the origin owes us nothing.
void Connection::arm() {
  const Outgoing::Progress progress = exchange_.request->progress();
  // Server-sent events are silent for as long as nothing happens.
  const bool may_be_silent = phase_ != Phase::kHead && event_stream_;
  if (paused_ || may_be_silent || progress == Outgoing::Progress::kWaitsForBody) {
    deadline_.cancel();
  } else if (phase_ == Phase::kHead && progress != Outgoing::Progress::kBlocked) {
    deadline_.arm(exchange_.timeouts.first_byte_ms);
  } else {
    deadline_.arm(exchange_.timeouts.between_bytes_ms);
  }
}

void Connection::pause() {
  if (phase_ == Phase::kIdle || paused_) return;
  paused_ = true;
  want();
  arm();
}

void Connection::resume() {
  if (phase_ == Phase::kIdle || !paused_) return;
  paused_ = false;
  want();
  arm();
  if (!pending().empty()) resumed_.schedule();
}

void Connection::on_resumed() {
  if (phase_ == Phase::kIdle || paused_) return;
  if (run() == Flow::kOn) settle_room();
}

void Connection::go_idle(IdleOwner& owner, std::int64_t timeout_ms) {
  DCHECK(phase_ == Phase::kIdle);
  idle_owner_ = &owner;
  stream_->want(true, false);
  deadline_.arm(timeout_ms);
}

std::unique_ptr<Stream> Connection::take_stream() {
  stream_->want(false, false);
  stream_->set_handler(nullptr);
  return std::move(stream_);
}

void Connection::on_writable() {
  if (phase_ == Phase::kIdle) return;
  send_more();
  exchange_.user->on_request_progress();
}

void Connection::on_readable() {
  if (phase_ == Phase::kIdle) {
    if (idle_owner_ != nullptr) idle_owner_->on_unfit(*this);
    return;
  }
  for (int i = 0; i < kReadsPerTurn && !paused_; ++i) {
    make_room();
    const std::size_t asked = room_.left();
    const IoResult result = stream_->read(room_.at(), asked);
    if (result.kind == IoResult::Kind::kWouldBlock) break;
    if (result.kind != IoResult::Kind::kOk) return on_end(result);
    received_ = true;
    room_.used += result.bytes;
    if (run() == Flow::kStop) return;
    if (phase_ != Phase::kHead) arm();
    if (result.bytes < asked) break;
  }
  settle_room();
}

void Connection::on_deadline() {
  if (phase_ == Phase::kIdle) {
    if (idle_owner_ != nullptr) idle_owner_->on_unfit(*this);
    return;
  }
  if (exchange_.request->progress() == Outgoing::Progress::kBlocked) {
    fail(ErrorCode::kTimeout, "took no more of the request in time");
  } else {
    fail(ErrorCode::kTimeout,
         phase_ == Phase::kHead ? "sent no response in time" : "stopped in the middle of a response");
  }
}

void Connection::on_end(const IoResult& result) {
  const bool clean = result.kind == IoResult::Kind::kEof;
  // Only the end that was meant can end such a body (RFC 9112 section 9.8).
  if (clean && phase_ == Phase::kUntilClose) return complete(http::FieldList());
  if (!received_) {
    fail(ErrorCode::kClosed,
         clean ? "closed the connection without a response" : "reset the connection before a response");
  } else if (phase_ == Phase::kHead) {
    fail(ErrorCode::kClosed, "closed the connection in the middle of a response's head");
  } else {
    fail(ErrorCode::kClosed, "broke off in the middle of a response's body");
  }
}

// --- the block that is read into

void Connection::make_room() {
  if (!room_.block) {
    room_ = blocks_.take();
    begin_ = room_.used;
    return;
  }
  const std::string_view unread = pending();
  if (unread.empty()) {
    room_ = ReadBlocks::fresh(std::move(room_));
    begin_ = room_.used;
    return;
  }
  if (room_.left() >= ReadBlocks::kLeastRoom) return;
  // Only unfinished framing is ever unread here, so there is little to move.
  ReadRoom larger{Block::allocate(std::max(ReadBlocks::kBlockBytes, 2 * unread.size())), unread.size()};
  std::memcpy(larger.block->data(), unread.data(), unread.size());
  room_ = std::move(larger);
  begin_ = 0;
}

// In the middle of a body the block stays here, so that a large body lies in blocks of its own.
void Connection::settle_room() {
  if (!room_.block || !pending().empty()) return;
  if (phase_ != Phase::kIdle && phase_ != Phase::kHead) return;
  blocks_.give_back(std::move(room_));
  room_ = ReadRoom();
  begin_ = 0;
}

// --- the response

Connection::Flow Connection::run() {
  bool progress = true;
  while (progress && !paused_ && !pending().empty()) {
    progress = false;
    if (step(progress) == Flow::kStop) return Flow::kStop;
  }
  return Flow::kOn;
}

Connection::Flow Connection::step(bool& progress) {
  switch (phase_) {
    case Phase::kHead:
      return read_head(progress);
    case Phase::kLength:
    case Phase::kUntilClose:
      return read_plain(progress);
    case Phase::kChunked:
      return read_chunked(progress);
    case Phase::kIdle:
      break;
  }
  return Flow::kOn;
}

Connection::Flow Connection::read_head(bool& progress) {
  const http::ParseResult parsed = http::parse_response_head(pending(), limits_, head_);
  if (parsed.state == http::ParseState::kNeedMore) return Flow::kOn;
  if (parsed.state == http::ParseState::kBad) {
    return fail(ErrorCode::kInvalid, "sent a malformed response: " + std::string(parsed.reason));
  }
  progress = true;
  begin_ += parsed.consumed;
  if (head_.status == 101) return switch_protocols();
  if (head_.status < 200) return take_informational();
  return take_head();
}

// The head outlives the call even if the user drops us in it.
Connection::Flow Connection::take_informational() {
  if (++informational_ > exchange_.interim_responses)
    return fail(ErrorCode::kTooLarge, "sent too many interim responses");
  arm();
  if (head_.status == 100) return Flow::kOn;
  const http::ResponseHead head = std::move(head_);
  const Ref<Block> keep = room_.block;
  const Lifeline::Scope scope(life_);
  exchange_.user->on_informational(head);
  return scope.alive() ? Flow::kOn : Flow::kStop;
}

Connection::Flow Connection::switch_protocols() {
  if (!exchange_.upgrade) return fail(ErrorCode::kInvalid, "switched protocols without being asked");
  const http::ResponseHead head = std::move(head_);
  const std::string_view unread = pending();
  const Slice early{Ref<const RefCounted>(room_.block), unread.data(), unread.size()};
  ExchangeUser* user = exchange_.user;
  exchange_ = {};
  phase_ = Phase::kIdle;
  deadline_.cancel();
  room_ = ReadRoom();
  user->on_switched(head, early);
  return Flow::kStop;
}

Connection::Flow Connection::take_head() {
  http::Framing framing;
  const http::ParseResult framed = http::response_framing(head_, exchange_.to_head, framing);
  if (framed.state == http::ParseState::kBad) {
    return fail(ErrorCode::kInvalid, "framed a response ambiguously: " + std::string(framed.reason));
  }
  using Kind = http::Framing::Kind;
  if ((head_.status == 204 || head_.status == 304) && !pending().empty()) {
    return fail(ErrorCode::kInvalid, "sent a body with a status that has none");
  }
  keep_alive_ = framing.keep_alive && framing.kind != Kind::kUntilClose;
  note_keep_alive();
  const bool no_body = framing.kind == Kind::kNone || (framing.kind == Kind::kLength && framing.length == 0);
  phase_ = framing.kind == Kind::kChunked      ? Phase::kChunked
           : framing.kind == Kind::kUntilClose ? Phase::kUntilClose
                                               : Phase::kLength;
  left_ = framing.kind == Kind::kLength ? framing.length : 0;
  event_stream_ = head_.fields.value(http::FieldId::kContentType).starts_with("text/event-stream");
  if (phase_ == Phase::kChunked) chunks_.reset();
  http::ResponseHead head = std::move(head_);
  const Ref<Block> keep = room_.block;
  {
    const Lifeline::Scope scope(life_);
    std::optional<std::uint64_t> length;
    if (framing.kind == Kind::kLength) length = framing.length;
    // An answer to HEAD announces what a GET would send (RFC 9110 section 8.6).
    else if (framing.kind == Kind::kNone)
      length = announced_length(head);
    exchange_.user->on_head(head, length, no_body);
    if (!scope.alive()) return Flow::kStop;
  }
  head_ = std::move(head);
  if (!no_body) return Flow::kOn;
  complete(http::FieldList());
  return Flow::kStop;
}

void Connection::note_keep_alive() {
  keep_alive_ms_.reset();
  if (head_.fields.has(http::FieldId::kKeepAlive)) {
    keep_alive_ms_ = keep_alive_timeout_ms(head_.fields.value(http::FieldId::kKeepAlive));
  }
}

Connection::Flow Connection::read_plain(bool& progress) {
  progress = true;
  std::string_view bytes = pending();
  if (phase_ == Phase::kLength) {
    bytes = bytes.substr(0, left_);
    left_ -= bytes.size();
  }
  begin_ += bytes.size();
  if (hand_on(bytes) == Flow::kStop) return Flow::kStop;
  if (phase_ != Phase::kLength || left_ != 0) return Flow::kOn;
  complete(http::FieldList());
  return Flow::kStop;
}

Connection::Flow Connection::read_chunked(bool& progress) {
  const http::ChunkDecoder::Step step = chunks_.next(pending());
  if (step.state == http::ParseState::kBad) {
    return fail(ErrorCode::kInvalid, "sent a malformed chunk: " + std::string(step.reason));
  }
  progress = step.consumed != 0;
  begin_ += step.consumed;
  if (!step.data.empty() && hand_on(step.data) == Flow::kStop) return Flow::kStop;
  if (step.state != http::ParseState::kDone) return Flow::kOn;
  complete(chunks_.trailers());
  return Flow::kStop;
}

Connection::Flow Connection::hand_on(std::string_view bytes) {
  const Lifeline::Scope scope(life_);
  exchange_.user->on_body(Slice{Ref<const RefCounted>(room_.block), bytes.data(), bytes.size()});
  return scope.alive() ? Flow::kOn : Flow::kStop;
}

void Connection::complete(const http::FieldList& trailers) {
  const http::FieldList kept = trailers;
  const Ref<Block> keep = kept.empty() ? Ref<Block>() : room_.block;
  // Bytes that nobody asked for make everything behind them doubtful, and so does a request that is not all
  // sent.
  const bool reusable =
      keep_alive_ && pending().empty() && exchange_.request->progress() == Outgoing::Progress::kAllSent;
  ExchangeUser* user = exchange_.user;
  exchange_ = {};
  phase_ = Phase::kIdle;
  deadline_.cancel();
  begin_ = room_.used;
  settle_room();
  user->on_complete(kept, reusable);
}

Connection::Flow Connection::fail(ErrorCode code, std::string what) {
  ExchangeUser* user = exchange_.user;
  const bool retryable =
      code == ErrorCode::kClosed || code == ErrorCode::kTimeout || code == ErrorCode::kInvalid;
  exchange_ = {};
  phase_ = Phase::kIdle;
  deadline_.cancel();
  stream_->want(false, false);
  user->on_failed({Error{code, ErrorSource::kOrigin, retryable, std::move(what)}, received_});
  return Flow::kStop;
}

}  // namespace meridian::upstream
