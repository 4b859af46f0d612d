#include "control-plane/edge_streams.h"

#include <algorithm>
#include <utility>

#include "lib/base/check.h"
#include "lib/wire/event.h"

namespace meridian::control {
namespace {

Slice line_of(const wire::Event& event) { return Slice::copy_of(serialize(event) + "\n"); }

}  // namespace

EdgeStreams::EdgeStreams(EventLoop& loop, ClusterLog& log, const Limits& limits)
    : loop_(loop), log_(log), limits_(limits), heartbeat_(loop, [this] { beat(); }) {
  log_.add(*this);
  if (log_.has_state()) on_reset(log_.state());
  heartbeat_.arm(limits_.heartbeat_ms);
}

EdgeStreams::~EdgeStreams() {
  log_.remove(*this);
  for (auto& [call, follower] : followers_) call->follow(nullptr, nullptr);
}

// --- what is kept

void EdgeStreams::on_entries(const std::shared_ptr<const State>& state, std::span<const Entry> entries) {
  for (const Entry& entry : entries) {
    if (State::is_for_edges(entry.kind)) add(entry);
  }
  if (last_seq_ != state->edge_seq() || last_chain_ != state->chain()) BUG_COUNT();
  drop_old();
  pump_all();
}

void EdgeStreams::add(const Entry& entry) {
  wire::Event event;
  event.type = wire::Event::Type::kDelta;
  event.epoch = entry.epoch;
  event.seq = entry.seq;
  event.prev = last_seq_;
  event.chain = wire::next_chain(last_chain_, entry.seq, entry.kind, entry.payload);
  event.time_ms = entry.time_ms;
  event.kind = entry.kind;
  event.body = entry.payload;
  lines_.push_back({event.seq, event.chain, line_of(event)});
  kept_bytes_ += lines_.back().bytes.size;
  last_seq_ = event.seq;
  last_chain_ = event.chain;
  ++counts_.events;
}

void EdgeStreams::drop_old() {
  while (lines_.size() > limits_.kept_events || (kept_bytes_ > limits_.kept_bytes && lines_.size() > 1)) {
    floor_seq_ = lines_.front().seq;
    floor_chain_ = lines_.front().chain;
    kept_bytes_ -= lines_.front().bytes.size;
    lines_.pop_front();
    ++first_number_;
  }
}

void EdgeStreams::on_reset(const std::shared_ptr<const State>& state) {
  // Whoever has had all of the lines before has still missed what the base stands for.
  first_number_ += lines_.size() + 1;
  lines_.clear();
  kept_bytes_ = 0;
  last_seq_ = floor_seq_ = state->edge_seq();
  last_chain_ = floor_chain_ = state->chain();
  snapshot_.reset();
  pump_all();
}

const EdgeStreams::Line& EdgeStreams::snapshot() {
  // An older one is as good while what follows it is kept, and saves encoding it anew for each slow edge.
  if (snapshot_ && snapshot_number_ >= first_number_ &&
      snapshot_number_ + limits_.kept_events / 4 >= first_number_ + lines_.size()) {
    return *snapshot_;
  }
  const State& state = *log_.state();
  wire::Event event;
  event.type = wire::Event::Type::kSnapshot;
  event.epoch = state.epoch();
  event.seq = state.edge_seq();
  event.chain = state.chain();
  event.time_ms = loop_.wall_ms();
  event.body = state.for_edges();
  snapshot_ = Line{event.seq, event.chain, line_of(event)};
  snapshot_number_ = first_number_ + lines_.size();
  ++counts_.encoded_snapshots;
  return *snapshot_;
}

// --- followers

std::optional<std::uint64_t> EdgeStreams::number_behind(const Position& position) const {
  const auto fits = [&](std::uint64_t chain) { return !position.chain || *position.chain == chain; };
  if (position.seq == floor_seq_) return fits(floor_chain_) ? std::optional(first_number_) : std::nullopt;
  const auto found = std::lower_bound(lines_.begin(), lines_.end(), position.seq,
                                      [](const Line& line, std::uint64_t seq) { return line.seq < seq; });
  if (found == lines_.end() || found->seq != position.seq || !fits(found->chain)) return std::nullopt;
  return first_number_ + static_cast<std::uint64_t>(found - lines_.begin()) + 1;
}

void EdgeStreams::follow(const std::shared_ptr<ApiCall>& call, const std::optional<Position>& from) {
  Follower& follower = followers_[call.get()];
  follower.call = call;
  const auto number = from ? number_behind(*from) : std::nullopt;
  follower.number = number.value_or(0);
  follower.wants_snapshot = !number;
  call->follow(
      [this, key = call.get()] {
        const auto found = followers_.find(key);
        if (found != followers_.end()) pump(found->second);
      },
      [this, key = call.get()] { followers_.erase(key); });
  call->begin_lines();
  pump(follower);
}

void EdgeStreams::send(Follower& follower, const Slice& bytes) {
  follower.call->send_line(bytes);
  follower.was_sent_to = true;
}

void EdgeStreams::pump(Follower& follower) {
  while (follower.call->queued_bytes() < limits_.queue_bytes) {
    if (!follower.wants_snapshot && follower.number < first_number_) {
      follower.wants_snapshot = true;
      ++counts_.lagged;
    }
    if (follower.wants_snapshot) {
      send(follower, snapshot().bytes);
      follower.number = snapshot_number_;
      follower.wants_snapshot = false;
      ++counts_.snapshots;
      continue;
    }
    if (follower.number == first_number_ + lines_.size()) return;
    send(follower, lines_[follower.number - first_number_].bytes);
    ++follower.number;
    ++counts_.sent;
  }
}

void EdgeStreams::pump_all() {
  for (auto& [call, follower] : followers_) pump(follower);
}

void EdgeStreams::beat() {
  wire::Event event;
  event.type = wire::Event::Type::kHeartbeat;
  event.epoch = log_.state()->epoch();
  event.seq = last_seq_;
  event.chain = last_chain_;
  event.time_ms = loop_.wall_ms();
  const Slice bytes = line_of(event);
  for (auto& [call, follower] : followers_) {
    // Only where nothing is on its way: it says that all has been sent.
    const bool is_idle = !follower.was_sent_to && call->queued_bytes() == 0 && !follower.wants_snapshot &&
                         follower.number == first_number_ + lines_.size();
    if (is_idle) call->send_line(bytes);
    follower.was_sent_to = false;
  }
  heartbeat_.arm(limits_.heartbeat_ms);
}

void EdgeStreams::end_all() {
  for (auto& [call, follower] : followers_) {
    call->follow(nullptr, nullptr);
    call->end_lines();
  }
  followers_.clear();
}

}  // namespace meridian::control
