#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "lib/http/server.h"
#include "origin/server/body_pump.h"
#include "origin/server/generated.h"
#include "origin/server/services.h"
#include "origin/server/target_path.h"

namespace meridian::origin {

// Answers one request: faults that come before the head, then the resource, then its body. On the exchange's
// loop; owned by the worker, which is told when it has ended.
class Responder final : public http::ExchangeHandler {
 public:
  using Ended = std::function<void(Responder&)>;
  Responder(http::Exchange& exchange, Services& services, Ended ended);
  void start();

  void on_request_body(std::string_view bytes, bool last, const http::FieldList& trailers) override;
  void on_drained() override;
  void on_closed(bool completed) override;

 private:
  void after_delay();
  void route();
  void answer_from_generator();
  void answer_from_files();
  void on_found(Result<Found> found);
  void reply(Answer answer);
  void send(Answer answer);
  Answer answer_found(Found found);
  std::string path_for_rules() const;
  std::string make_boundary();
  void count_faults();
  void log(int status);

  http::Exchange& exchange_;
  Services& services_;
  Ended ended_;
  TargetPath target_;
  FaultPlan plan_;
  BodyDigest body_;
  std::optional<BodyPump> pump_;
  std::optional<Answer> waiting_answer_;  // behind its own delay
  Timer timer_;
  int status_ = 0;
  bool hung_ = false;
  bool closed_ = false;
  std::shared_ptr<void> alive_ = std::make_shared<char>();
};

}  // namespace meridian::origin
