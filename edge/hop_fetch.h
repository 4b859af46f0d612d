#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "edge/hop_route.h"
#include "edge/peer_view.h"
#include "lib/http/message.h"
#include "lib/net/event_loop.h"
#include "lib/stats/metrics.h"
#include "lib/wire/hop.h"
#include "origin/upstream/upstream.h"

namespace meridian::edge {

// What is asked, in memory of its own: it may be asked of several, one after the other.
struct HopAsking {
  HopAsking(const upstream::Request& to_origin, std::string edge_lines);

  http::Method method;
  std::string method_name;
  std::string path;
  std::string origin_authority;  // empty: the origin's own
  std::string origin_lines;      // header fields for the origin
  std::uint64_t origin_hash;
  std::string edge_authority;
  std::string edge_lines;  // header fields for edges, without Meridian-Hop
  wire::HopAsk hop;        // but for the role
  std::uint64_t key_hash = 0;
};

// A fetch that asks other edges first: in the order of its route one after the other, each time one fails,
// and a second one as well once one is slow; behind all of them the origin. The first good head wins, and
// what else runs is dropped. To its handler it is a fetch like any other. Owned by whoever asked; on one
// loop.
class HopFetch final : public upstream::Fetch {
 public:
  // The handler must outlive it, or drop it. Nobody is called inside.
  HopFetch(stats::Sheet& sheet, std::shared_ptr<PeerView> peers, const HopRoute& route, HopAsking asking,
           std::shared_ptr<upstream::Group> origin, upstream::FetchHandler& handler);
  ~HopFetch() override;

  // From on_head() on: what the edge that answered says of its answer. Nullptr: it was the origin.
  struct Answer {
    wire::HopFill fill;
    wire::HopRole role = wire::HopRole::kNone;  // as what it was asked
    std::int64_t delay_ms = 0;                  // since its last sign before: how much older it may be
  };
  const Answer* answer() const { return answer_ ? &*answer_ : nullptr; }

  // Only requests without a body go to edges.
  void send_body(std::string_view) override {}
  void finish_body(std::string_view) override {}
  bool writable() const override { return false; }
  void pause() override;
  void resume() override;
  const upstream::FetchInfo& info() const override;

 private:
  friend class HopAttempt;
  // Of one attempt.
  void on_sign(HopAttempt& attempt);
  void on_attempt_head(HopAttempt& attempt, const http::ResponseHead& head,
                       std::optional<std::uint64_t> length, bool no_body);
  void on_attempt_failed(HopAttempt& attempt, stats::HopEnd end, const Error& error);
  upstream::FetchHandler& handler() { return handler_; }

  void ask_next();
  void launch(const HopStep& step);
  void launch_origin();
  void set_hedge(const HopAttempt& attempt);
  void hedge();
  void win(HopAttempt& attempt);
  void drop(HopAttempt& attempt);

  const std::shared_ptr<PeerView> peers_;
  stats::Sheet& sheet_;
  const HopRoute route_;
  HopAsking asking_;
  const std::shared_ptr<upstream::Group> origin_;
  upstream::FetchHandler& handler_;
  std::size_t next_ = 0;                               // of the route; one more when the origin was asked
  std::vector<std::unique_ptr<HopAttempt>> attempts_;  // two at most
  HopAttempt* winner_ = nullptr;
  std::optional<Answer> answer_;
  Timer hedge_timer_;
  upstream::FetchInfo no_info_;
};

}  // namespace meridian::edge
