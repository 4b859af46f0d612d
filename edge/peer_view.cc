#include "edge/peer_view.h"

#include <algorithm>
#include <utility>

namespace meridian::edge {

PeerView::PeerView(EventLoop& loop, Resolver& resolver, std::shared_ptr<const PeerTable> table,
                   const PeerView* previous)
    : loop_(loop), table_(std::move(table)) {
  for (const OtherEdge& edge : table_->edges()) {
    std::shared_ptr<upstream::Group> group;
    for (std::size_t i = 0; previous != nullptr && i < previous->groups_.size() && !group; ++i) {
      if (previous->table_->edges()[i].group == edge.group) group = previous->groups_[i];
    }
    if (!group) group = upstream::Group::create(loop_, resolver, edge.group);
    groups_.push_back(std::move(group));
  }
}

PeerView::~PeerView() = default;

void PeerView::keep_late(std::unique_ptr<HopAttempt> attempt) {
  attempt->leave();
  late_.push_back(std::move(attempt));
}

void PeerView::end_late(HopAttempt& attempt) {
  const auto found =
      std::find_if(late_.begin(), late_.end(), [&](const auto& late) { return late.get() == &attempt; });
  if (found == late_.end()) return;
  const std::unique_ptr<HopAttempt> ended = std::move(*found);
  *found = std::move(late_.back());
  late_.pop_back();
}

}  // namespace meridian::edge
