#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "origin/upstream/connection.h"
#include "origin/upstream/connector.h"
#include "origin/upstream/group_core.h"
#include "origin/upstream/outgoing.h"

namespace meridian::upstream {

// One request on its way through the group: chooses a target, waits for a slot, gets a connection, runs the
// exchange, and tries again where that is safe. Owned by whoever started it; on one loop.
//
// When it tries again:
// - A connection that was idle closed before any byte of a response came: that is the race of keep-alive, no
// fault of the
//   target. At once, on a fresh connection, and counted neither as a retry nor as a failure - if the method
//   is idempotent and all of the request is still here, or if nothing of it was sent.
// - No connection could be made: nothing was sent, so any method may be tried again.
// - Any other failure before the response's head: if the method is idempotent and all of the request is still
// here. The last two within `retries` and the group's budget, after a backoff, at another target if there is
// one.
class RunningFetch final : public Fetch, private ExchangeUser, private SlotWaiter {
 public:
  RunningFetch(std::shared_ptr<GroupCore> core, const Request& request, FetchHandler& handler);
  ~RunningFetch() override;
  RunningFetch(const RunningFetch&) = delete;
  RunningFetch& operator=(const RunningFetch&) = delete;

  void send_body(std::string_view bytes) override;
  void finish_body(std::string_view trailer_block) override;
  bool writable() const override { return outgoing_.writable(); }
  void pause() override;
  void resume() override;
  const FetchInfo& info() const override { return info_; }

 private:
  // ExchangeUser
  void on_informational(const http::ResponseHead& head) override;
  void on_head(const http::ResponseHead& head, std::optional<std::uint64_t> length, bool no_body) override;
  void on_body(Slice bytes) override;
  void on_complete(const http::FieldList& trailers, bool reusable) override;
  void on_failed(ExchangeFailure failure) override;
  void on_switched(const http::ResponseHead& head, Slice early) override;
  void on_request_progress() override;
  // SlotWaiter
  void on_slot(Slot slot) override;

  SharedTarget& target() { return core_->shared().target(choice_.target); }
  void begin_attempt();
  void with_slot(bool fresh_only);
  std::unique_ptr<Connection> fit_idle();
  void connect();
  void on_connected(Result<std::unique_ptr<Stream>> stream);
  void run_exchange();
  void note_first_byte();
  void on_timer();
  void on_total_timeout();
  void retry_or_end(Error error, bool safe);
  void settle(Outcome outcome);
  void refuse(Error error);
  void fail_soon(Error error);
  void end(Error error);
  Error told(Error error);

  const std::shared_ptr<GroupCore> core_;
  FetchHandler& handler_;
  FetchInfo info_;
  Outgoing outgoing_;
  const std::uint64_t hash_;
  const bool idempotent_;
  const bool to_head_;
  const bool upgrade_;
  const std::int64_t started_ms_;
  std::int64_t connect_started_ms_ = 0;

  Choice choice_;
  bool chosen_ = false;  // choice_ is held: its outcome has to be recorded
  bool headed_ = false;  // on_head() was called
  bool paused_ = false;
  bool asked_to_wait_ = false;
  bool over_ = false;
  unsigned retries_ = 0;
  int status_ = 0;
  std::vector<std::size_t> tried_;
  Slot slot_;
  SlotTicket ticket_;
  std::unique_ptr<Connector> connector_;
  std::unique_ptr<Connection> connection_;
  Timer timer_;  // of the queue, or of the backoff
  Timer total_;
  Soon failing_;
  std::optional<Error> failure_;
};

}  // namespace meridian::upstream
