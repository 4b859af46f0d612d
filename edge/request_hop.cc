#include <algorithm>

#include "edge/request.h"
#include "edge/worker.h"
#include "lib/http/http1.h"

// Requests that other edges make, and what they are told beside the response: docs/peers.md.
namespace meridian::edge {

namespace {

// Purges come with the control plane. Until there is one none was applied, so that an edge that asks for more
// is refused.
constexpr std::uint64_t kAppliedSeq = 0;

constexpr int kProcessing = 102;
// In the time that an edge may be silent, it says so often that it is at it.
constexpr std::int64_t kSignsInTime = 2;

// What can stand in a request's id; see Request::ensure_request_id().
bool is_request_id(std::string_view text) {
  constexpr std::size_t kMaxIdBytes = 128;
  return text.size() <= kMaxIdBytes && http::is_token(text);
}

stats::HopRefusal label_of(wire::HopRefusal refusal) { return static_cast<stats::HopRefusal>(refusal); }

}  // namespace

// Takes the word of an edge. From anybody else the header is as if it were not there: nothing looks at it,
// and it goes nowhere. False: the request is refused.
bool Request::take_hop() {
  const PeerTable& peers = view_->peers->table();
  if (!peers.proves(*exchange_)) {
    worker_.sheet().add(stats::kHopsRefused, stats::HopRefusal::kStranger);
    return true;
  }
  if (head().fields.count(http::FieldId::kMeridianHop) == 1)
    hop_ = wire::parse_hop_ask(head().fields.value(http::FieldId::kMeridianHop));
  if (!hop_) {
    worker_.sheet().add(stats::kHopsRefused, stats::HopRefusal::kMalformed);
    fail(400, {ErrorCode::kInvalid, ErrorSource::kClient, false, "an edge said what cannot be understood"});
    return false;
  }
  if (is_request_id(hop_->request_id)) request_id_ = hop_->request_id;
  const std::uint32_t serving = peers.counts().serving.fetch_add(1, std::memory_order_relaxed);
  worker_.sheet().change(stats::kHopsRunning, +1);
  worker_.sheet().add(stats::kHopsServed, static_cast<stats::HopRole>(hop_->role));
  if (serving >= peers.config().served_at_once) {
    worker_.sheet().add(stats::kLimits, stats::Limit::kServedAtOnce);
    return refuse_hop(wire::HopRefusal::kOverload);
  }
  if (hop_->least_seq > kAppliedSeq) return refuse_hop(wire::HopRefusal::kBehind);
  return true;
}

bool Request::refuse_hop(wire::HopRefusal refusal) {
  hop_refusal_ = refusal;
  fail(503, {ErrorCode::kRefused, ErrorSource::kEdge, true, "this edge leaves the request to another one"});
  return false;
}

void Request::end_hop() {
  view_->peers->table().counts().serving.fetch_sub(1, std::memory_order_relaxed);
  worker_.sheet().change(stats::kHopsRunning, -1);
  if (alive_timer_) alive_timer_->cancel();
  hop_.reset();
  hop_refusal_.reset();
  hop_lines_.clear();
}

// What the fill asks might be waiting for whoever asks this edge; see Fill::asks().
bool Request::may_wait_for(const Fill& fill) const {
  return !hop_ || static_cast<std::uint8_t>(hop_->role) < fill.asks();
}

// It has to ask further on, or wait for somebody who does: the edge that waits for this one is told, so that
// it need not think that nobody is here.
void Request::say_alive() {
  if (responding_ || (alive_timer_ && alive_timer_->armed())) return;
  exchange_->send_informational(kProcessing, {});
  if (!alive_timer_) {
    alive_timer_ = std::make_unique<Timer>(worker_.loop(), [this] {
      if (hop_) say_alive();
    });
  }
  const std::int64_t most_ms = view_->peers->table().config().first_byte_timeout_ms;
  alive_timer_->arm(std::max<std::int64_t>(most_ms / kSignsInTime, 1));
}

// What this edge knows of the response beyond what its fields say; see wire::HopFill.
void Request::say_fill(const ObjectMeta& meta, std::string_view own, bool may_keep) {
  constexpr std::int64_t kMost = UINT32_MAX;
  wire::HopFill fill;
  fill.fill_seq = meta.fill_seq;
  fill.age_s = static_cast<std::uint32_t>(std::min(times_of(meta).age_at(now_s()), kMost));
  fill.lifetime_s = meta.lifetime_s;
  fill.stale_revalidate_s = meta.stale_revalidate_s;
  fill.stale_error_s = meta.stale_error_s;
  fill.may_keep = may_keep;
  fill.key_hash = hash_;
  hop_lines_.assign(own);
  http::append_field(hop_lines_, wire::HopFill::kField, wire::serialize(fill));
}

// Of an answer of our own. What failed behind us has failed for the edge that asks too; what failed here may
// work elsewhere.
void Request::say_refusal() {
  const bool of_edge = refuse_error_.source == ErrorSource::kEdge;
  if (!hop_refusal_ && key_.text.empty()) hop_refusal_ = wire::HopRefusal::kUnable;
  if (!hop_refusal_ && of_edge) hop_refusal_ = wire::HopRefusal::kOverload;
  std::string value;
  if (hop_refusal_) {
    worker_.sheet().add(stats::kHopsRefused, label_of(*hop_refusal_));
    value = wire::serialize(*hop_refusal_);
  } else {
    wire::HopFill fill;
    fill.key_hash = hash_;
    value = wire::serialize(fill);
  }
  http::append_field(scratch_, wire::HopFill::kField, value);
}

// What this edge knows first hand, or the word of the edge that asks.
std::string Request::client_address() const {
  if (!hop_) return client_behind(head().fields, exchange_->peer(), trusted_networks());
  const Result<SocketAddress> said = SocketAddress::from_ip(hop_->client, 0);
  return said ? client_behind(head().fields, *said, trusted_networks()) : hop_->client;
}

}  // namespace meridian::edge
