#include "edge/hop_fetch.h"

#include <algorithm>
#include <utility>

#include "edge/hop_attempt.h"
#include "lib/base/check.h"

namespace meridian::edge {

using stats::HopEnd;

HopAsking::HopAsking(const upstream::Request& to_origin, std::string lines)
    : method(to_origin.head->method),
      method_name(to_origin.head->method_name),
      path(to_origin.head->path),
      origin_authority(to_origin.authority),
      origin_lines(to_origin.block),
      origin_hash(to_origin.hash),
      edge_lines(std::move(lines)) {}

HopFetch::HopFetch(stats::Sheet& sheet, std::shared_ptr<PeerView> peers, const HopRoute& route,
                   HopAsking asking, std::shared_ptr<upstream::Group> origin, upstream::FetchHandler& handler)
    : peers_(std::move(peers)),
      sheet_(sheet),
      route_(route),
      asking_(std::move(asking)),
      origin_(std::move(origin)),
      handler_(handler),
      hedge_timer_(peers_->loop(), [this] { hedge(); }) {
  peers_->table().counts().hedges.count_request(peers_->loop().now_ms());
  ask_next();
}

HopFetch::~HopFetch() {
  for (const auto& attempt : attempts_) attempt->count(HopEnd::kAbandoned);
  while (!attempts_.empty()) drop(*attempts_.back());
}

// --- who is asked

void HopFetch::ask_next() {
  if (next_ >= route_.size) return launch_origin();
  launch(route_.steps[next_++]);
}

void HopFetch::launch(const HopStep& step) {
  wire::HopAsk hop = asking_.hop;
  hop.role = step.role;
  const std::optional<std::string> value = wire::serialize(hop);
  // A text of the client's that cannot be said is not worth saying.
  if (!value) {
    asking_.hop.client.clear();
    asking_.hop.request_id.clear();
    hop = asking_.hop;
    hop.role = step.role;
  }
  std::string lines = asking_.edge_lines;
  http::append_field(lines, wire::HopAsk::kField, value ? *value : wire::serialize(hop).value_or(""));
  http::RequestHead head;
  head.method = asking_.method;
  head.method_name = asking_.method_name;
  head.path = asking_.path;
  upstream::Request request;
  request.head = &head;
  request.block = lines;
  request.authority = asking_.edge_authority;
  attempts_.push_back(
      std::make_unique<HopAttempt>(*this, *peers_, sheet_, step, /*is_hedge=*/!attempts_.empty()));
  attempts_.back()->run(peers_->group(step.edge), request);
  set_hedge(*attempts_.back());
}

void HopFetch::launch_origin() {
  next_ = route_.size + 1;
  hedge_timer_.cancel();
  http::RequestHead head;
  head.method = asking_.method;
  head.method_name = asking_.method_name;
  head.path = asking_.path;
  upstream::Request request;
  request.head = &head;
  request.block = asking_.origin_lines;
  request.authority = asking_.origin_authority;
  request.hash = asking_.origin_hash;
  attempts_.push_back(
      std::make_unique<HopAttempt>(*this, *peers_, sheet_, HopStep(), /*is_hedge=*/!attempts_.empty()));
  attempts_.back()->run(*origin_, request);
}

// --- two at once

void HopFetch::set_hedge(const HopAttempt& attempt) {
  hedge_timer_.cancel();
  if (attempts_.size() > 1) return;
  if (const auto after_ms = peers_->table().hedge_after_ms(attempt.step().edge)) hedge_timer_.arm(*after_ms);
}

void HopFetch::hedge() {
  if (winner_ != nullptr || attempts_.size() != 1 || next_ > route_.size) return;
  if (!peers_->table().counts().hedges.take(peers_->loop().now_ms())) {
    sheet_.add(stats::kHedges, stats::HedgeEnd::kOverBudget);
    return;
  }
  sheet_.add(stats::kHedges, stats::HedgeEnd::kSent);
  ask_next();
}

// It is at it: what it waits for, another would have to wait for too.
void HopFetch::on_sign(HopAttempt&) { hedge_timer_.cancel(); }

// --- how an attempt ends

void HopFetch::on_attempt_head(HopAttempt& attempt, const http::ResponseHead& head,
                               std::optional<std::uint64_t> length, bool no_body) {
  if (!attempt.is_origin()) {
    const bool said_once = head.fields.count(http::FieldId::kMeridianFill) == 1;
    const std::string_view said = head.fields.value(http::FieldId::kMeridianFill);
    const std::optional<wire::HopFill> fill = said_once ? wire::parse_hop_fill(said) : std::nullopt;
    if (!fill || fill->key_hash != asking_.key_hash) {
      const bool refused = said_once && head.status >= 400 && wire::parse_hop_refusal(said);
      // An edge does not answer like this; but one that refuses a request as too long or malformed has only
      // stricter limits, and what a client can say must not make it look broken.
      if (!refused && head.status / 100 != 4)
        peers_->table().edges()[attempt.step().edge].group->record(
            0, Breaker::Pass::kNormal, upstream::Outcome::kFailed, peers_->loop().now_ms());
      return on_attempt_failed(attempt, refused ? HopEnd::kRefused : HopEnd::kUnproven,
                               {ErrorCode::kInvalid, ErrorSource::kOrigin, true,
                                "an edge gave an answer that is none to what it was asked"});
    }
    answer_ = Answer{*fill, attempt.step().role, attempt.silent_ms()};
  }
  win(attempt);
  handler_.on_head(head, length, no_body);
}

void HopFetch::win(HopAttempt& attempt) {
  winner_ = &attempt;
  hedge_timer_.cancel();
  attempt.count(HopEnd::kAnswered);
  if (attempt.is_hedge()) sheet_.add(stats::kHedges, stats::HedgeEnd::kWon);
  while (attempts_.size() > 1) {
    HopAttempt& other = *attempts_[attempts_.front().get() == winner_ ? 1 : 0];
    other.count(HopEnd::kOutrun);
    drop(other);
  }
}

void HopFetch::drop(HopAttempt& attempt) {
  const auto found = std::find_if(attempts_.begin(), attempts_.end(),
                                  [&](const auto& one) { return one.get() == &attempt; });
  CHECK(found != attempts_.end());
  std::unique_ptr<HopAttempt> dropped = std::move(*found);
  attempts_.erase(found);
  if (!dropped->is_origin() && !dropped->has_shown_itself()) peers_->keep_late(std::move(dropped));
}

void HopFetch::on_attempt_failed(HopAttempt& attempt, HopEnd end, const Error& error) {
  if (&attempt == winner_) return handler_.on_error(error);
  attempt.count(end);
  const bool was_last = attempt.is_origin();
  const Error kept = error;
  // It is over, so there is nothing that it could still show.
  const auto found = std::find_if(attempts_.begin(), attempts_.end(),
                                  [&](const auto& one) { return one.get() == &attempt; });
  const std::unique_ptr<HopAttempt> over = std::move(*found);
  attempts_.erase(found);
  answer_.reset();
  // Another one is still at it.
  if (!attempts_.empty()) return;
  if (was_last || next_ > route_.size) return handler_.on_error(kept);
  ask_next();
}

// --- what the asker does

void HopFetch::pause() {
  if (winner_ != nullptr) winner_->fetch().pause();
}

void HopFetch::resume() {
  if (winner_ != nullptr) winner_->fetch().resume();
}

const upstream::FetchInfo& HopFetch::info() const {
  const HopAttempt* shown = winner_ != nullptr  ? winner_
                            : attempts_.empty() ? nullptr
                                                : attempts_.back().get();
  return shown == nullptr ? no_info_ : shown->fetch().info();
}

}  // namespace meridian::edge
