#include "origin/upstream/running_fetch.h"

#include <algorithm>
#include <utility>

namespace meridian::upstream {
namespace {

// Beyond this doubling a backoff no longer makes sense.
constexpr unsigned kBackoffDoublings = 8;

}  // namespace

RunningFetch::RunningFetch(std::shared_ptr<GroupCore> core, const Request& request, FetchHandler& handler)
    : core_(std::move(core)),
      handler_(handler),
      outgoing_(request, core_->take_head_memory()),
      hash_(request.hash),
      idempotent_(http::is_idempotent(request.head->method)),
      to_head_(request.head->method == http::Method::kHead),
      upgrade_(request.upgrade),
      started_ms_(core_->loop().now_ms()),
      timer_(core_->loop(), [this] { on_timer(); }),
      total_(core_->loop(), [this] { on_total_timeout(); }),
      failing_(core_->loop(), [this] { end(*std::exchange(failure_, std::nullopt)); }) {
  if (core_->options().total_timeout_ms > 0) total_.arm(core_->options().total_timeout_ms);
  core_->shared().budget().count_request(started_ms_);
  begin_attempt();
}

RunningFetch::~RunningFetch() {
  settle(Outcome::kUnknown);
  core_->give_head_memory(outgoing_.take_memory());
}

// --- an attempt: target, slot, connection, exchange

void RunningFetch::begin_attempt() {
  const std::optional<Choice> choice = core_->choose(hash_, tried_);
  if (!choice) {
    return fail_soon({ErrorCode::kUnavailable, ErrorSource::kOrigin, false,
                      "no origin of '" + core_->options().name + "' can be used now: all breakers are open"});
  }
  choice_ = *choice;
  chosen_ = true;
  info_.target = target().options().url;
  slot_ = target().slots().try_acquire();
  if (slot_) return with_slot(false);
  ticket_ = target().slots().wait(core_->loop(), *this);
  if (!ticket_)
    return refuse(
        told({ErrorCode::kRefused, ErrorSource::kEdge, false, "has too many requests waiting for it"}));
  timer_.arm(core_->options().queue_timeout_ms);
}

void RunningFetch::on_slot(Slot slot) {
  timer_.cancel();
  ticket_ = SlotTicket();
  slot_ = std::move(slot);
  with_slot(false);
}

void RunningFetch::with_slot(bool fresh_only) {
  ++info_.attempts;
  target().counters().requests.fetch_add(1, std::memory_order_relaxed);
  outgoing_.address_to(target().url());
  if (!fresh_only) connection_ = fit_idle();
  if (!connection_) return connect();
  target().counters().reuses.fetch_add(1, std::memory_order_relaxed);
  info_.reused = true;
  run_exchange();
}

// What may be sent again at once needs no look at the connection before it is used; for all else that is
// worth a system call.
std::unique_ptr<Connection> RunningFetch::fit_idle() {
  const bool may_repeat = idempotent_ && outgoing_.finished() && outgoing_.replayable();
  std::unique_ptr<Connection> idle = core_->take_idle(choice_.target);
  while (idle && !may_repeat && idle->stale()) idle = core_->take_idle(choice_.target);
  return idle;
}

void RunningFetch::connect() {
  info_.reused = false;
  connect_started_ms_ = core_->loop().now_ms();
  target().counters().connects.fetch_add(1, std::memory_order_relaxed);
  connector_ = std::make_unique<Connector>(
      core_->loop(), core_->resolver(), target(), core_->shared().tls(), core_->options(),
      [this](Result<std::unique_ptr<Stream>> s) { on_connected(std::move(s)); });
}

void RunningFetch::on_connected(Result<std::unique_ptr<Stream>> stream) {
  const std::unique_ptr<Connector> done = std::move(connector_);
  info_.connect_ms = core_->loop().now_ms() - connect_started_ms_;
  if (!stream) {
    settle(Outcome::kFailed);
    return retry_or_end(told(std::move(stream.error())), true);
  }
  connection_ = std::make_unique<Connection>(core_->loop(), core_->blocks(), *std::move(stream),
                                             target().options().limits);
  run_exchange();
}

void RunningFetch::run_exchange() {
  const GroupOptions& options = core_->options();
  connection_->begin({.user = this,
                      .request = &outgoing_,
                      .to_head = to_head_,
                      .upgrade = upgrade_,
                      .timeouts = {options.first_byte_timeout_ms, options.between_bytes_timeout_ms},
                      .interim_responses = options.interim_responses});
  if (paused_) connection_->pause();
  // What was queued while there was no connection may have gone out just now.
  on_request_progress();
}

// Gives everything back that the attempt held, and says how it went. The connection is closed if it is still
// here.
void RunningFetch::settle(Outcome outcome) {
  timer_.cancel();
  ticket_ = SlotTicket();
  connector_.reset();
  connection_.reset();
  slot_.reset();
  if (!std::exchange(chosen_, false)) return;
  core_->shared().record(choice_.target, choice_.pass, outcome, core_->loop().now_ms());
}

// --- the response

void RunningFetch::note_first_byte() {
  if (info_.first_byte_ms == 0) info_.first_byte_ms = core_->loop().now_ms() - started_ms_;
}

void RunningFetch::on_informational(const http::ResponseHead& head) {
  note_first_byte();
  handler_.on_informational(head);
}

// A target that answers is well: a trial is over here, not at the end of what may be an endless stream.
void RunningFetch::on_head(const http::ResponseHead& head, std::optional<std::uint64_t> length,
                           bool no_body) {
  note_first_byte();
  headed_ = true;
  status_ = head.status;
  if (choice_.pass == Breaker::Pass::kTrial) {
    target().breaker().succeeded(choice_.pass);
    choice_.pass = Breaker::Pass::kNormal;
  }
  handler_.on_head(head, length, no_body);
}

void RunningFetch::on_body(Slice bytes) { handler_.on_body(std::move(bytes)); }

void RunningFetch::on_complete(const http::FieldList& trailers, bool reusable) {
  over_ = true;
  total_.cancel();
  if (reusable) core_->keep_idle(choice_.target, std::move(connection_));
  settle(status_ >= 500 ? Outcome::kServerError : Outcome::kGood);
  handler_.on_done(trailers);
}

void RunningFetch::on_switched(const http::ResponseHead& head, Slice early) {
  over_ = true;
  total_.cancel();
  std::unique_ptr<Stream> stream = connection_->take_stream();
  note_first_byte();
  settle(Outcome::kGood);
  handler_.on_upgraded(head, std::move(stream), std::move(early));
}

void RunningFetch::on_failed(ExchangeFailure failure) {
  const bool lost_race =
      connection_->exchanges() > 1 && !failure.response_begun && failure.error.code == ErrorCode::kClosed;
  const bool whole = outgoing_.replayable();
  if (lost_race && whole && (idempotent_ || !outgoing_.any_sent())) {
    connection_.reset();
    outgoing_.rewind();
    return with_slot(true);
  }
  Error error = told(std::move(failure.error));
  settle(Outcome::kFailed);
  if (headed_) return end(std::move(error));
  retry_or_end(std::move(error), whole && idempotent_);
}

void RunningFetch::on_request_progress() {
  if (!asked_to_wait_ || !writable()) return;
  asked_to_wait_ = false;
  handler_.on_request_writable();
}

// --- failures

void RunningFetch::retry_or_end(Error error, bool safe) {
  const std::int64_t now_ms = core_->loop().now_ms();
  if (!safe || retries_ >= core_->options().retries || !core_->shared().budget().take(now_ms))
    return end(std::move(error));
  target().counters().retries.fetch_add(1, std::memory_order_relaxed);
  outgoing_.rewind();
  tried_.push_back(choice_.target);
  const std::int64_t most_ms = core_->options().retry_backoff_ms << std::min(retries_++, kBackoffDoublings);
  timer_.arm(static_cast<std::int64_t>(core_->random().next() % static_cast<std::uint64_t>(most_ms + 1)));
}

// A ticket is held while it waits in the queue; otherwise this was the backoff.
void RunningFetch::on_timer() {
  if (!ticket_) return begin_attempt();
  refuse(told({ErrorCode::kRefused, ErrorSource::kEdge, false, "had no room for this request in time"}));
}

void RunningFetch::on_total_timeout() {
  Error error =
      told({ErrorCode::kTimeout, ErrorSource::kOrigin, false, "was not done within the total deadline"});
  // Time that was spent in our own queue says nothing about the target.
  settle(slot_ ? Outcome::kFailed : Outcome::kUnknown);
  end(std::move(error));
}

void RunningFetch::refuse(Error error) {
  target().counters().refused.fetch_add(1, std::memory_order_relaxed);
  settle(Outcome::kUnknown);
  fail_soon(std::move(error));
}

void RunningFetch::fail_soon(Error error) {
  if (over_ || failure_) return;
  failure_ = std::move(error);
  failing_.schedule();
}

void RunningFetch::end(Error error) {
  if (std::exchange(over_, true)) return;
  settle(Outcome::kUnknown);
  total_.cancel();
  failing_.cancel();
  handler_.on_error(error);
}

Error RunningFetch::told(Error error) {
  error.context = target().options().url + ": " + error.context;
  return error;
}

// --- what the owner asks

void RunningFetch::send_body(std::string_view bytes) {
  if (over_ || failure_) return;
  if (outgoing_.add_body(bytes, connection_ ? &connection_->stream() : nullptr) ==
      Outgoing::Accepted::kTooMuch) {
    return fail_soon(
        {ErrorCode::kInvalid, ErrorSource::kClient, false, "the request's body is longer than announced"});
  }
  if (connection_) connection_->send_more();
  asked_to_wait_ = !writable();
}

void RunningFetch::finish_body(std::string_view trailer_block) {
  if (over_ || failure_) return;
  if (!outgoing_.finish(trailer_block)) {
    return fail_soon(
        {ErrorCode::kInvalid, ErrorSource::kClient, false, "the request's body is shorter than announced"});
  }
  if (connection_) connection_->send_more();
}

void RunningFetch::pause() {
  paused_ = true;
  if (connection_) connection_->pause();
}

void RunningFetch::resume() {
  paused_ = false;
  if (connection_) connection_->resume();
}

}  // namespace meridian::upstream
