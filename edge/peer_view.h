#pragma once

#include <memory>
#include <vector>

#include "edge/hop_attempt.h"
#include "edge/peer_table.h"
#include "lib/net/connect.h"
#include "lib/net/event_loop.h"
#include "origin/upstream/upstream.h"

namespace meridian::edge {

// The other edges as one worker uses them: its pools of connections to each, and what it has asked of them
// and no longer waits for. On the worker's loop.
class PeerView {
 public:
  // Pools of edges that did not change are taken over from `previous`, which may be nullptr.
  PeerView(EventLoop& loop, Resolver& resolver, std::shared_ptr<const PeerTable> table,
           const PeerView* previous);
  ~PeerView();
  PeerView(const PeerView&) = delete;
  PeerView& operator=(const PeerView&) = delete;

  EventLoop& loop() { return loop_; }
  const PeerTable& table() const { return *table_; }
  const std::shared_ptr<const PeerTable>& shared_table() const { return table_; }
  upstream::Group& group(std::uint16_t edge) { return *groups_[edge]; }
  EdgeState state_of(std::uint16_t edge) const { return table_->state_of(edge, loop_.now_ms()); }

  // Keeps an attempt until its edge shows itself, or fails to.
  void keep_late(std::unique_ptr<HopAttempt> attempt);
  // It did. Destroys it.
  void end_late(HopAttempt& attempt);

 private:
  EventLoop& loop_;
  const std::shared_ptr<const PeerTable> table_;
  std::vector<std::shared_ptr<upstream::Group>> groups_;  // by edge
  std::vector<std::unique_ptr<HopAttempt>> late_;         // each holds one of its edge's `connections`
};

}  // namespace meridian::edge
