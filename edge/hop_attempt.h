#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "edge/hop_route.h"
#include "lib/stats/metrics.h"
#include "origin/upstream/upstream.h"

namespace meridian::edge {

class HopFetch;
class PeerView;

// One of the edges that a HopFetch asks, or the origin. When nobody waits for it any more it may live on for
// a while, so that what it shows of the edge's health is not lost: an edge that is frozen would otherwise
// never fail, as another is always faster. Owned by its HopFetch and then by the PeerView; on one loop.
class HopAttempt final : public upstream::FetchHandler {
 public:
  // The origin: `step.role` is kNone.
  HopAttempt(HopFetch& fetch, PeerView& peers, stats::Sheet& sheet, const HopStep& step, bool is_hedge);
  HopAttempt(const HopAttempt&) = delete;
  HopAttempt& operator=(const HopAttempt&) = delete;

  void run(upstream::Group& group, const upstream::Request& request) { fetch_ = group.start(request, *this); }
  upstream::Fetch& fetch() { return *fetch_; }
  const upstream::Fetch& fetch() const { return *fetch_; }
  const HopStep& step() const { return step_; }
  bool is_origin() const { return step_.role == wire::HopRole::kNone; }
  bool is_hedge() const { return is_hedge_; }
  bool has_shown_itself() const { return shown_; }
  // For how long it had given no sign when the last one came.
  std::int64_t silent_ms() const { return silent_ns_ / 1'000'000; }
  // How it ended is counted once.
  void count(stats::HopEnd end);
  // Nobody waits for it any more: its edge's first sign, or the deadline for it, ends it.
  void leave() { hop_ = nullptr; }

 private:
  void on_informational(const http::ResponseHead& head) override;
  void on_head(const http::ResponseHead& head, std::optional<std::uint64_t> length, bool no_body) override;
  void on_body(Slice bytes) override;
  void on_done(const http::FieldList& trailers) override;
  void on_error(const Error& error) override;
  void on_request_writable() override {}
  void on_upgraded(const http::ResponseHead&, std::unique_ptr<Stream>, Slice) override {}

  // False: nobody waits for it, and it is gone.
  bool show();

  HopFetch* hop_;
  PeerView& peers_;
  stats::Sheet& sheet_;
  const HopStep step_;
  const bool is_hedge_;
  std::int64_t last_sign_ns_;  // at first, when it was asked
  std::int64_t silent_ns_ = 0;
  bool shown_ = false;
  bool counted_ = false;
  std::unique_ptr<upstream::Fetch> fetch_;
};

}  // namespace meridian::edge
