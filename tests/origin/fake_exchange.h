#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lib/http/message.h"
#include "lib/http/server.h"

namespace meridian::origin {

// An exchange whose client is the test: what is sent piles up until take() takes it.
class FakeExchange final : public http::Exchange {
 public:
  FakeExchange(EventLoop& loop, std::string method, std::string target,
               std::vector<std::pair<std::string, std::string>> fields = {})
      : loop_(loop),
        method_(std::move(method)),
        target_(std::move(target)),
        field_strings_(std::move(fields)) {
    request_.method_name = method_;
    request_.method = http::method_of(method_);
    request_.path = target_;
    for (const auto& [name, value] : field_strings_) request_.fields.add(name, value);
    peer_ = *SocketAddress::parse("192.0.2.7:4000");
  }

  enum class End { kOpen, kFinished, kAborted, kTruncated };
  End end = End::kOpen;
  int status = 0;
  std::string head;  // the blocks
  std::optional<std::uint64_t> length;
  std::string body;  // taken by the client
  std::string trailers;
  std::vector<std::string> informational;
  std::size_t window = SIZE_MAX;  // what the client takes at once
  std::size_t reads_asked = 0;
  bool with_body = false;

  // The client reads what is queued.
  void take() {
    body += std::exchange(queued_, "");
    if (handler_ != nullptr && end == End::kOpen) handler_->on_drained();
  }
  http::FieldList fields() const {
    http::FieldList list;
    http::parse_block(head, list);
    return list;
  }
  void close(bool completed) {
    if (auto* handler = std::exchange(handler_, nullptr)) handler->on_closed(completed);
  }

  const http::RequestHead& request() const override { return request_; }
  void set_handler(http::ExchangeHandler* handler) override { handler_ = handler; }
  EventLoop& loop() override { return loop_; }
  const SocketAddress& peer() const override { return peer_; }
  const SocketAddress& local() const override { return peer_; }
  const TlsInfo* tls() const override { return nullptr; }
  bool has_request_body() const override { return with_body; }
  std::optional<std::uint64_t> request_length() const override { return std::nullopt; }
  void read_body() override { ++reads_asked; }
  void send_informational(int code, std::string_view block) override {
    informational.push_back(std::to_string(code) + " " + std::string(block));
  }
  void send_head(const http::ResponseStart& start) override {
    status = start.status;
    for (const std::string_view block : start.blocks) head += block;
    if (start.has_length) length = start.length;
  }
  void send_body(Slice bytes) override {
    queued_ += bytes.view();
    if (window == SIZE_MAX) body += std::exchange(queued_, "");
  }
  void finish(std::string_view block) override {
    trailers = block;
    body += std::exchange(queued_, "");
    over(End::kFinished, true);
  }
  std::size_t queued_bytes() const override { return queued_.size(); }
  void abort() override { over(End::kAborted, false); }
  void truncate() override { over(End::kTruncated, false); }
  void close_after() override {}
  Tunnel upgrade(const http::ResponseStart&) override { return {}; }
  std::uint64_t bytes_sent() const override { return head.size() + body.size(); }
  std::int64_t started_ms() const override { return 0; }

 private:
  void over(End how, bool completed) {
    end = how;
    close(completed);
  }
  EventLoop& loop_;
  std::string method_, target_;
  std::vector<std::pair<std::string, std::string>> field_strings_;
  http::RequestHead request_;
  http::ExchangeHandler* handler_ = nullptr;
  SocketAddress peer_;
  std::string queued_;
};

}  // namespace meridian::origin
