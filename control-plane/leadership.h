#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "control-plane/cluster_log.h"

namespace meridian::control {

// Tries to hold the store's lease, and says in the log who leads since when. What only the leader may write
// is appended with its epoch, which the store refuses once there is a later one: that, and no clock, is what
// keeps two leaders apart. This node gives up by itself when it has not been able to keep the lease for as
// long as it lives.
//
// The leader's duty so far is to compact the log: a window of entries stays, and what is older becomes a
// base. On the log's loop; owns neither log nor store.
class Leadership final : private LogObserver {
 public:
  // The log keeps between `window` and twice as many entries.
  Leadership(EventLoop& loop, Store& store, ClusterLog& log, std::uint64_t window);
  ~Leadership();
  Leadership(const Leadership&) = delete;
  Leadership& operator=(const Leadership&) = delete;

  void start();
  // Gives the lease back, so that another node need not wait for its end. `done` is called once.
  void resign(std::function<void()> done);

  bool leads() const { return lease_.has_value(); }
  // 0 unless it leads.
  std::uint64_t epoch() const { return lease_ ? lease_->epoch : 0; }
  std::uint64_t compactions() const { return compactions_; }
  std::uint64_t terms() const { return terms_; }  // how often it became the leader

 private:
  void try_to_lead();
  void on_lease(Result<Lease> lease);
  void announce();
  void keep();
  void step_down();
  void on_timer();

  void on_entries(const std::shared_ptr<const State>& state, std::span<const Entry> entries) override;
  void on_reset(const std::shared_ptr<const State>& state) override;
  void consider_compacting(const std::shared_ptr<const State>& state);

  EventLoop& loop_;
  Store& store_;
  ClusterLog& log_;
  const std::uint64_t window_;
  std::optional<Lease> lease_;
  std::int64_t kept_ms_ = 0;  // when the last keep() that has worked was asked
  bool resigned_ = false;
  bool announced_ = false;  // the log says that this node leads
  bool announcing_ = false;
  std::uint64_t terms_ = 0;
  std::uint64_t compactions_ = 0;
  bool compacting_ = false;
  std::shared_ptr<const State> checkpoint_;  // the next base
  Timer timer_;
};

}  // namespace meridian::control
