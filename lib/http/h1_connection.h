#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "lib/http/bad_message.h"
#include "lib/http/http1.h"
#include "lib/http/input_buffer.h"
#include "lib/http/output_queue.h"
#include "lib/http/request_body.h"
#include "lib/http/response_writer.h"
#include "lib/http/server.h"

namespace meridian::http {

// The server's end of an HTTP/1.1 connection (RFC 9112), and at once its one exchange, which is used again
// for every request. Owned by its host, on one loop.
//
// Everything happens in run(), which is entered from the outside only: a ready stream, a deadline, or soon_.
// What a handler calls changes state and leaves the rest to run(), so that no handler is called inside its
// own call. The host may destroy the connection in any callback: each caller of one looks at a Guard
// afterwards.
class H1Connection final : public ServerConnection, public Exchange, private StreamHandler {
 public:
  H1Connection(EventLoop& loop, std::unique_ptr<Stream> stream, const ServerLimits& limits,
               ConnectionHost& host);
  ~H1Connection() override;
  H1Connection(const H1Connection&) = delete;
  H1Connection& operator=(const H1Connection&) = delete;

  // ServerConnection
  void drain() override;
  bool idle() const override { return phase_ == Phase::kHead && in_.empty() && out_.empty(); }

  // Exchange
  const RequestHead& request() const override { return head_; }
  void set_handler(ExchangeHandler* handler) override { handler_ = handler; }
  EventLoop& loop() override { return loop_; }
  const SocketAddress& peer() const override { return stream_ != nullptr ? stream_->peer() : former_->peer; }
  const SocketAddress& local() const override {
    return stream_ != nullptr ? stream_->local() : former_->local;
  }
  const TlsInfo* tls() const override { return stream_ != nullptr ? stream_->tls() : nullptr; }
  bool has_request_body() const override { return body_.present(); }
  std::optional<std::uint64_t> request_length() const override;
  void read_body() override;
  void send_informational(int status, std::string_view block) override;
  void send_head(const ResponseStart& start) override;
  void send_body(Slice bytes) override;
  void finish(std::string_view trailer_block) override;
  std::size_t queued_bytes() const override { return out_.size(); }
  void abort() override;
  void truncate() override;
  void close_after() override { close_after_ = true; }
  Tunnel upgrade(const ResponseStart& start) override;
  std::uint64_t bytes_sent() const override;
  // What is not used yet is told later, or by the tunnel that it is handed to.
  std::uint64_t take_bytes_received() override {
    return std::exchange(received_bytes_, in_.size()) - in_.size();
  }
  std::int64_t started_ms() const override { return started_ms_; }

 private:
  // Says on the stack whether the connection still is.
  class Guard {
   public:
    explicit Guard(H1Connection& connection) : outer_(connection.guard_), connection_(&connection) {
      connection.guard_ = this;
    }
    ~Guard() {
      if (connection_ != nullptr) connection_->guard_ = outer_;
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    bool gone() const { return connection_ == nullptr; }

   private:
    friend class H1Connection;
    Guard* outer_;
    H1Connection* connection_;
  };

  enum class Phase : std::uint8_t {
    kHead,      // waits for a request's head, or has a part of it
    kExchange,  // a request is being answered
    kLinger,    // all is said; what the client still sends is dropped, so that it can read the answer
    kClosed,    // the stream is gone, or is about to be
  };
  // How the exchange ends when its handler did not let it end well.
  enum class Ending : std::uint8_t { kNone, kAbort, kTruncate, kTunnel };
  enum class Step : std::uint8_t { kAgain, kWait, kGone };

  // Addresses of a stream that has a new owner, for a handler that still writes its log.
  struct Former {
    SocketAddress peer;
    SocketAddress local;
  };

  // StreamHandler
  void on_readable() override;
  void on_writable() override;
  void on_timer();

  // What moves the connection on. Those that return a Step or bool call handlers or the host: after kGone or
  // false nothing of the connection may be touched.
  void run();
  Step step();
  bool settle();
  Step next_request();
  Step begin_exchange(std::size_t head_bytes);
  Step deliver_body();
  Step end_exchange();
  bool complete(bool completed);
  Step refuse(int status, std::string_view reason);
  Step refuse(BadMessage reason) { return refuse(status_of(reason), token_of(reason)); }
  Step fail_body(int status, std::string_view reason);
  Step linger();
  Step close();
  Step hand_over();
  Step read_deadline_passed();
  void kick();

  bool open() const {
    return phase_ == Phase::kExchange && ending_ == Ending::kNone && !response_.finished();
  }
  bool worth_parsing() const;
  std::optional<BadMessage> check_request(const Framing& framing);
  bool body_is_here() const;
  void skip_body();
  void begin_linger();

  // Bytes in and out.
  void fill();
  bool read_once();
  std::size_t read_max() const;
  bool wants_to_read() const;
  bool flush();
  void update_interest();

  // Deadlines; zero: none. One timer serves all, and is moved only when it would come too late.
  void set_deadline(std::int64_t& deadline_ms, std::int64_t delay_ms);
  void wake_at(std::int64_t deadline_ms);
  void watch_for_leaving();

  EventLoop& loop_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<Former> former_;  // once stream_ is given away
  const ServerLimits limits_;
  ConnectionHost& host_;
  Guard* guard_ = nullptr;

  InputBuffer in_;
  OutputQueue out_;
  Timer timer_;
  Soon soon_;
  std::int64_t wake_ms_ = 0;  // what the timer is set to
  std::int64_t read_deadline_ms_ = 0;
  std::int64_t write_deadline_ms_ = 0;
  std::int64_t left_deadline_ms_ = 0;

  Phase phase_ = Phase::kHead;
  bool running_ = false;
  bool draining_ = false;
  bool client_ended_ = false;   // it will send no more
  bool failed_ = false;         // the stream is broken
  bool read_expired_ = false;   // the read deadline has passed
  bool head_begun_ = false;     // a part of a head has come, and its deadline runs
  bool write_ended_ = false;    // FIN is sent
  bool client_closes_ = false;  // the client has said that this is its last request
  bool want_read_ = false;
  bool want_write_ = false;
  std::size_t parsed_bytes_ = 0;  // of a head that was not whole: how many bytes have been looked at
  std::size_t lingered_bytes_ = 0;
  std::uint64_t received_bytes_ = 0;  // that take_bytes_received() has not told yet
  std::uint64_t requests_ = 0;

  // The exchange.
  RequestHead head_;
  ExchangeHandler* handler_ = nullptr;
  RequestBody body_;
  ResponseWriter response_;
  Ending ending_ = Ending::kNone;
  bool keep_alive_ = true;
  bool close_after_ = false;
  bool expects_continue_ = false;
  bool body_wanted_ = false;
  bool body_read_ = false;    // the handler has asked for it at least once
  bool above_water_ = false;  // on_drained() is owed
  std::int64_t started_ms_ = 0;
};

}  // namespace meridian::http
