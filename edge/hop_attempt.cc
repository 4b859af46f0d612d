#include "edge/hop_attempt.h"

#include <utility>

#include "edge/hop_fetch.h"
#include "edge/peer_view.h"

namespace meridian::edge {
namespace {

constexpr int kProcessing = 102;

}  // namespace

HopAttempt::HopAttempt(HopFetch& fetch, PeerView& peers, stats::Sheet& sheet, const HopStep& step,
                       bool is_hedge)
    : hop_(&fetch),
      peers_(peers),
      sheet_(sheet),
      step_(step),
      is_hedge_(is_hedge),
      last_sign_ns_(peers.loop().clock().mono_ns()) {}

void HopAttempt::count(stats::HopEnd end) {
  if (is_origin() || counted_) return;
  counted_ = true;
  sheet_.add(stats::kHops, static_cast<stats::HopRole>(step_.role), end);
}

bool HopAttempt::show() {
  const std::int64_t now_ns = peers_.loop().clock().mono_ns();
  silent_ns_ = now_ns - std::exchange(last_sign_ns_, now_ns);
  if (!shown_) {
    shown_ = true;
    const std::int64_t took_us = silent_ns_ / 1000;
    if (!is_origin()) {
      peers_.table().edges()[step_.edge].latency->add(took_us);
      sheet_.observe(stats::kHopFirstSign, took_us, static_cast<stats::HopRole>(step_.role));
    }
    if (hop_ != nullptr) hop_->on_sign(*this);
  }
  if (hop_ != nullptr) return true;
  peers_.end_late(*this);
  return false;
}

// 102 is the sign of an edge that has to wait itself, and for us alone; all else is the origin's.
void HopAttempt::on_informational(const http::ResponseHead& head) {
  if (!show()) return;
  if (is_origin() || head.status != kProcessing) hop_->handler().on_informational(head);
}

void HopAttempt::on_head(const http::ResponseHead& head, std::optional<std::uint64_t> length, bool no_body) {
  if (show()) hop_->on_attempt_head(*this, head, length, no_body);
}

void HopAttempt::on_body(Slice bytes) { hop_->handler().on_body(std::move(bytes)); }

void HopAttempt::on_done(const http::FieldList& trailers) { hop_->handler().on_done(trailers); }

void HopAttempt::on_error(const Error& error) {
  if (hop_ == nullptr) return peers_.end_late(*this);
  hop_->on_attempt_failed(*this, stats::HopEnd::kFailed, error);
}

}  // namespace meridian::edge
