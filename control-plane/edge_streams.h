#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>

#include "control-plane/api_call.h"
#include "control-plane/cluster_log.h"
#include "lib/base/bytes.h"

namespace meridian::control {

// What edges follow (lib/wire/event.h): every event is encoded once, and its bytes go to all sockets by
// reference. What has been sent lately is kept, so that an edge that comes back gets what it has missed, and
// one that reads slowly goes on where it was; when that is not kept any more it gets a snapshot. So nothing
// grows with a slow edge but its own queue, which is bounded.
//
// On the log's loop; does not own the log.
class EdgeStreams final : private LogObserver {
 public:
  struct Limits {
    std::size_t kept_events = 10'000;
    std::size_t kept_bytes = 64 * 1024 * 1024;
    std::size_t queue_bytes = 1024 * 1024;  // of one follower; at least http::Exchange::kHighWater
    std::int64_t heartbeat_ms = 5000;
  };
  struct Counts {
    std::uint64_t events = 0;     // encoded
    std::uint64_t sent = 0;       // to followers
    std::uint64_t snapshots = 0;  // sent
    std::uint64_t encoded_snapshots = 0;
    std::uint64_t lagged = 0;  // snapshots because a follower was too slow
  };
  EdgeStreams(EventLoop& loop, ClusterLog& log, const Limits& limits);
  ~EdgeStreams();
  EdgeStreams(const EdgeStreams&) = delete;
  EdgeStreams& operator=(const EdgeStreams&) = delete;

  // Where a follower has got to, as it says.
  struct Position {
    std::uint64_t seq = 0;
    std::optional<std::uint64_t> chain;
  };
  // Answers the call with the stream. Without a position it begins with a snapshot, as it does when what
  // follows the position is not kept, or the position is not of this history.
  void follow(const std::shared_ptr<ApiCall>& call, const std::optional<Position>& from);
  // Ends all streams; for the end of the program.
  void end_all();

  std::size_t followers() const { return followers_.size(); }
  const Counts& counts() const { return counts_; }

 private:
  struct Line {
    std::uint64_t seq = 0;
    std::uint64_t chain = 0;
    Slice bytes;
  };
  struct Follower {
    std::shared_ptr<ApiCall> call;
    std::uint64_t number = 0;  // of the next line; see first_number_
    bool wants_snapshot = false;
    bool was_sent_to = false;  // since the last heartbeat
  };

  void on_entries(const std::shared_ptr<const State>& state, std::span<const Entry> entries) override;
  void on_reset(const std::shared_ptr<const State>& state) override;
  void add(const Entry& entry);
  void drop_old();
  void pump(Follower& follower);
  void pump_all();
  void send(Follower& follower, const Slice& bytes);
  const Line& snapshot();
  std::optional<std::uint64_t> number_behind(const Position& position) const;
  void beat();

  EventLoop& loop_;
  ClusterLog& log_;
  const Limits limits_;
  std::deque<Line> lines_;
  std::uint64_t first_number_ = 0;  // of lines_.front(), counted over all lines there were
  std::size_t kept_bytes_ = 0;
  // Of the last event: what the next one follows, and the entry before the first kept line.
  std::uint64_t last_seq_ = 0;
  std::uint64_t last_chain_ = 0;
  std::uint64_t floor_seq_ = 0;
  std::uint64_t floor_chain_ = 0;
  std::optional<Line> snapshot_;
  std::uint64_t snapshot_number_ = 0;  // of the line behind it
  std::unordered_map<ApiCall*, Follower> followers_;
  Counts counts_;
  Timer heartbeat_;
};

}  // namespace meridian::control
