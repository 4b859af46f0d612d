#include "origin/server/body_pump.h"

#include <algorithm>
#include <utility>

namespace meridian::origin {
namespace {

using config::FaultCut;

// How often a cut looks whether what was queued before it has left.
constexpr std::int64_t kFlushPollMs = 10;
// A limited rate is met in this many portions a second, if the body has as many bytes.
constexpr std::uint64_t kRatePortions = 20;

}  // namespace

BodyPump::BodyPump(http::Exchange& exchange, std::unique_ptr<Body> body, std::string trailer_block,
                   const FaultPlan& plan)
    : exchange_(exchange),
      body_(std::move(body)),
      trailer_block_(std::move(trailer_block)),
      plan_(plan),
      started_ms_(exchange.loop().now_ms()),
      timer_(exchange.loop(), [this] { run(); }) {}

void BodyPump::stop() {
  stopped_ = true;
  timer_.cancel();
  body_.reset();
}

void BodyPump::run() {
  // Sending may call on_drained() and reading may give a piece at once: both lead here, and the loop below
  // goes on.
  if (running_ || stopped_) return;
  running_ = true;
  while (!stopped_ && step() == Step::kContinue) {
  }
  running_ = false;
}

BodyPump::Step BodyPump::step() {
  if (timer_.armed() || asked_) return Step::kWait;
  if (plan_.body_delay_ms > 0 && sent_bytes_ >= plan_.body_delay_at) {
    timer_.arm(std::exchange(plan_.body_delay_ms, 0));
    return Step::kWait;
  }
  if (plan_.cut != FaultCut::kNone && plan_.cut_in_body && sent_bytes_ >= plan_.cut_at && !ended_)
    return cut();
  if (pending_.size > 0) return send_some();
  if (!ended_) return ask_for_more();
  stopped_ = true;
  exchange_.finish(trailer_block_);
  return Step::kWait;
}

BodyPump::Step BodyPump::ask_for_more() {
  if (exchange_.queued_bytes() >= http::Exchange::kHighWater) return Step::kWait;
  asked_ = true;
  body_->next([this](Result<Slice> piece) { on_piece(std::move(piece)); });
  return asked_ ? Step::kWait : Step::kContinue;
}

void BodyPump::on_piece(Result<Slice> piece) {
  asked_ = false;
  if (stopped_) return;
  if (!piece) {
    stopped_ = true;
    exchange_.abort();
    return;
  }
  ended_ = piece->size == 0;
  pending_ = *std::move(piece);
  run();
}

BodyPump::Step BodyPump::send_some() {
  std::uint64_t size = pending_.size;
  if (plan_.body_delay_ms > 0) size = std::min(size, plan_.body_delay_at - sent_bytes_);
  if (plan_.cut != FaultCut::kNone && plan_.cut_in_body) size = std::min(size, plan_.cut_at - sent_bytes_);
  const std::size_t now = allowed_by_rate(static_cast<std::size_t>(size));
  if (now == 0) {
    wait_for_rate();
    return Step::kWait;
  }
  Slice part = pending_.sub(0, now);
  pending_ = pending_.sub(now, pending_.size - now);
  sent_bytes_ += now;
  exchange_.send_body(std::move(part));
  return Step::kContinue;
}

std::size_t BodyPump::allowed_by_rate(std::size_t wanted) const {
  if (plan_.rate_bytes_per_s == 0) return wanted;
  const auto elapsed_ms = static_cast<double>(exchange_.loop().now_ms() - started_ms_);
  const double budget =
      static_cast<double>(plan_.rate_bytes_per_s) * elapsed_ms / 1000 - static_cast<double>(sent_bytes_);
  return budget < 1 ? 0 : std::min(wanted, static_cast<std::size_t>(budget));
}

void BodyPump::wait_for_rate() {
  const std::uint64_t portion = std::max<std::uint64_t>(plan_.rate_bytes_per_s / kRatePortions, 1);
  timer_.arm(static_cast<std::int64_t>(std::max<std::uint64_t>(portion * 1000 / plan_.rate_bytes_per_s, 1)));
}

BodyPump::Step BodyPump::cut() {
  // A hang mostly ends when the client leaves: stop() comes then.
  if (plan_.cut == FaultCut::kHang && !std::exchange(hung_, true)) {
    timer_.arm(kLongestHangMs);
    return Step::kWait;
  }
  // What stands before the cut is meant to arrive; a reset would overtake it.
  if (plan_.cut == FaultCut::kReset && exchange_.queued_bytes() > 0) {
    timer_.arm(kFlushPollMs);
    return Step::kWait;
  }
  stopped_ = true;
  if (plan_.cut == FaultCut::kTruncate)
    exchange_.truncate();
  else
    exchange_.abort();
  return Step::kWait;
}

}  // namespace meridian::origin
