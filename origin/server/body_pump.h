#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "lib/http/server.h"
#include "lib/net/event_loop.h"
#include "origin/server/body.h"
#include "origin/server/faults.h"

namespace meridian::origin {

// Moves a body into an exchange, no faster than the client takes it, and does to it what the fault plan says.
// Ends the exchange: finish() at the end, abort() when the body fails (so that what was sent never passes for
// whole), or the fault's cut. On the exchange's loop; owned by the responder.
class BodyPump {
 public:
  BodyPump(http::Exchange& exchange, std::unique_ptr<Body> body, std::string trailer_block,
           const FaultPlan& plan);

  // Sends what can be sent now. Call once, and again whenever the exchange has drained.
  void run();
  // The exchange is gone: nothing of it may be touched any more.
  void stop();

 private:
  enum class Step : unsigned char { kContinue, kWait };
  Step step();
  Step ask_for_more();
  Step send_some();
  Step cut();
  void on_piece(Result<Slice> piece);
  std::size_t allowed_by_rate(std::size_t wanted) const;
  void wait_for_rate();

  http::Exchange& exchange_;
  std::unique_ptr<Body> body_;
  const std::string trailer_block_;
  FaultPlan plan_;
  Slice pending_;
  std::uint64_t sent_bytes_ = 0;
  std::int64_t started_ms_;
  bool running_ = false;
  bool asked_ = false;
  bool ended_ = false;  // the body has no more
  bool stopped_ = false;
  bool hung_ = false;
  Timer timer_;
};

}  // namespace meridian::origin
