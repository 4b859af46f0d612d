#pragma once

#include <functional>
#include <memory>
#include <string>

#include "control-plane/problem.h"
#include "lib/base/bytes.h"
#include "lib/http/server.h"

namespace meridian::control {

// One request and the way back to whoever asked. Shared by the listener, while the exchange lives, and by
// whatever answers it: an answer to a client that has gone goes nowhere. On the listener's loop.
class ApiCall final : public http::ExchangeHandler, public std::enable_shared_from_this<ApiCall> {
 public:
  // `ready` is called once, when the body has come whole. `over` when the exchange has ended.
  ApiCall(http::Exchange& exchange, std::function<void(ApiCall&)> ready, std::function<void(ApiCall&)> over);

  // Begins; may answer inside.
  void start();

  // What was asked, while the client is there.
  bool is_open() const { return exchange_ != nullptr; }
  const http::RequestHead& request() const { return exchange_->request(); }
  const std::string& body() const { return body_; }
  std::string from() const { return exchange_->peer().ip(); }

  void answer(const ApiAnswer& answer);

  // The other kind of answer: lines of JSON for as long as both sides like.
  void begin_lines();
  void send_line(const Slice& line);
  void end_lines();
  // Bytes that wait for the client.
  std::size_t queued_bytes() const { return exchange_ == nullptr ? 0 : exchange_->queued_bytes(); }
  // Called when much less waits than did, until the call is over; and then, once, `gone`.
  void follow(std::function<void()> drained, std::function<void()> gone);

  int status() const { return status_; }

 private:
  void on_request_body(std::string_view bytes, bool last, const http::FieldList& trailers) override;
  void on_drained() override;
  void on_closed(bool completed) override;

  http::Exchange* exchange_;
  const std::function<void(ApiCall&)> ready_;
  const std::function<void(ApiCall&)> over_;
  std::function<void()> drained_;
  std::function<void()> gone_;
  std::string body_;
  int status_ = 0;  // 0: not answered
};

}  // namespace meridian::control
