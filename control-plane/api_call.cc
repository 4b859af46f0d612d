#include "control-plane/api_call.h"

#include <utility>

namespace meridian::control {

ApiCall::ApiCall(http::Exchange& exchange, std::function<void(ApiCall&)> ready,
                 std::function<void(ApiCall&)> over)
    : exchange_(&exchange), ready_(std::move(ready)), over_(std::move(over)) {}

void ApiCall::start() {
  exchange_->set_handler(this);
  if (exchange_->has_request_body())
    exchange_->read_body();
  else
    ready_(*this);
}

void ApiCall::on_request_body(std::string_view bytes, bool last, const http::FieldList&) {
  // The connection refuses more than its limit by itself.
  body_.append(bytes);
  if (last)
    ready_(*this);
  else
    exchange_->read_body();
}

void ApiCall::answer(const ApiAnswer& answer) {
  if (exchange_ == nullptr || status_ != 0) return;
  status_ = answer.status;
  std::string block = answer.fields;
  if (!answer.body.empty()) http::append_field(block, "Content-Type", answer.content_type);
  http::append_field(block, "Cache-Control", "no-store");
  const std::string_view blocks[] = {block};
  http::ResponseStart start;
  start.status = answer.status;
  start.blocks = blocks;
  start.has_length = answer.status != 204;
  start.length = answer.body.size();
  exchange_->send_head(start);
  if (exchange_->request().method != http::Method::kHead && !answer.body.empty())
    exchange_->send_body(Slice::copy_of(answer.body));
  exchange_->finish();
}

void ApiCall::begin_lines() {
  if (exchange_ == nullptr) return;
  status_ = 200;
  std::string block;
  http::append_field(block, "Content-Type", "application/x-ndjson");
  http::append_field(block, "Cache-Control", "no-store");
  const std::string_view blocks[] = {block};
  http::ResponseStart start;
  start.blocks = blocks;
  exchange_->send_head(start);
  if (exchange_->request().method == http::Method::kHead) exchange_->finish();
}

void ApiCall::send_line(const Slice& line) {
  if (exchange_ != nullptr) exchange_->send_body(line);
}

void ApiCall::end_lines() {
  if (exchange_ != nullptr) exchange_->finish();
}

void ApiCall::follow(std::function<void()> drained, std::function<void()> gone) {
  drained_ = std::move(drained);
  gone_ = std::move(gone);
}

void ApiCall::on_drained() {
  if (drained_) drained_();
}

void ApiCall::on_closed(bool) {
  exchange_ = nullptr;
  drained_ = nullptr;
  const auto gone = std::exchange(gone_, nullptr);
  if (gone) gone();
  over_(*this);
}

}  // namespace meridian::control
