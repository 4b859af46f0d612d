#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "lib/base/bytes.h"
#include "lib/http/http1.h"
#include "lib/net/event_loop.h"
#include "lib/net/lifeline.h"
#include "lib/net/stream.h"
#include "origin/upstream/outgoing.h"
#include "origin/upstream/read_blocks.h"

namespace meridian::upstream {

class Connection;

// How an exchange on a connection failed.
struct ExchangeFailure {
  Error error;
  bool response_begun = false;  // any byte of a response came
};

// Told how an exchange goes. Every call but on_informational(), on_head() and on_body() ends it, and is the
// last thing that the connection does: the connection may be destroyed or used again inside any of them.
class ExchangeUser {
 public:
  virtual void on_informational(const http::ResponseHead& head) = 0;
  virtual void on_head(const http::ResponseHead& head, std::optional<std::uint64_t> length, bool no_body) = 0;
  virtual void on_body(Slice bytes) = 0;
  // `reusable`: the connection may serve another exchange.
  virtual void on_complete(const http::FieldList& trailers, bool reusable) = 0;
  virtual void on_failed(ExchangeFailure failure) = 0;
  virtual void on_switched(const http::ResponseHead& head, Slice early) = 0;
  virtual void on_request_progress() = 0;

 protected:
  ~ExchangeUser() = default;
};

// Told that a connection which nobody uses is no longer fit: its peer has closed it or sent bytes that nobody
// asked for, or it was idle for too long. Destroys it.
class IdleOwner {
 public:
  virtual void on_unfit(Connection& connection) = 0;

 protected:
  ~IdleOwner() = default;
};

struct ExchangeTimeouts {
  std::int64_t first_byte_ms = 0;
  std::int64_t between_bytes_ms = 0;
};

// The client's end of one HTTP/1.1 connection to an origin: one exchange at a time, then idle. Parses what
// comes in the block that it was read into and hands the body on as slices of that. Owns its stream; on one
// loop.
class Connection final : private StreamHandler {
 public:
  Connection(EventLoop& loop, ReadBlocks& blocks, std::unique_ptr<Stream> stream,
             const http::HeadLimits& limits);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  struct Exchange {
    ExchangeUser* user = nullptr;
    Outgoing* request = nullptr;
    bool to_head = false;  // the request is HEAD
    bool upgrade = false;  // a 101 is welcome
    ExchangeTimeouts timeouts;
    // More interim responses than this before one response are an attack or a fault.
    unsigned interim_responses = 32;
  };
  // Sends what there is of the request. Nobody is called inside.
  void begin(const Exchange& exchange);
  // More of the request is there to be sent. Nobody is called inside.
  void send_more();
  // Between the two nothing is read and no on_body() comes.
  void pause();
  void resume();
  void go_idle(IdleOwner& owner, std::int64_t timeout_ms);
  // Something came, or the peer has gone, while idle; costs a system call.
  bool stale() const { return stream_->stale(); }

  Stream& stream() { return *stream_; }
  // After on_switched().
  std::unique_ptr<Stream> take_stream();
  // Exchanges that were begun on it.
  std::uint64_t exchanges() const { return exchanges_; }
  // The last response's Keep-Alive timeout, if it named one.
  std::optional<std::int64_t> keep_alive_ms() const { return keep_alive_ms_; }

 private:
  enum class Phase : std::uint8_t { kIdle, kHead, kLength, kUntilClose, kChunked };
  enum class Flow : std::uint8_t { kOn, kStop };  // kStop: touch nothing more

  void on_readable() override;
  void on_writable() override;
  void on_deadline();
  void on_resumed();

  void make_room();
  void settle_room();
  std::string_view pending() const {
    return {room_.block ? room_.block->data() + begin_ : nullptr, room_.used - begin_};
  }
  Flow run();
  Flow step(bool& progress);
  Flow read_head(bool& progress);
  Flow take_head();
  Flow take_informational();
  Flow switch_protocols();
  Flow read_plain(bool& progress);
  Flow read_chunked(bool& progress);
  Flow hand_on(std::string_view bytes);
  void complete(const http::FieldList& trailers);
  Flow fail(ErrorCode code, std::string what);
  void on_end(const IoResult& result);
  void note_keep_alive();

  void arm();
  void want();

  ReadBlocks& blocks_;
  std::unique_ptr<Stream> stream_;
  const http::HeadLimits& limits_;
  Timer deadline_;
  Soon resumed_;
  Exchange exchange_;
  IdleOwner* idle_owner_ = nullptr;
  Phase phase_ = Phase::kIdle;
  bool paused_ = false;
  bool keep_alive_ = false;
  bool received_ = false;  // any byte in this exchange
  unsigned informational_ = 0;
  std::uint64_t left_ = 0;     // of a body with a length
  bool event_stream_ = false;  // the response is one: it may be silent
  std::uint64_t exchanges_ = 0;
  std::optional<std::int64_t> keep_alive_ms_;
  ReadRoom room_;          // empty while nothing is unread
  std::size_t begin_ = 0;  // the first unread byte; the last is before room_.used
  http::ResponseHead head_;
  http::ChunkDecoder chunks_;
  Lifeline life_;
};

}  // namespace meridian::upstream
