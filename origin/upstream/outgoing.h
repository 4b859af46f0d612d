#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/net/stream.h"
#include "origin/upstream/origin_url.h"
#include "origin/upstream/upstream.h"

namespace meridian::upstream {

// A request as HTTP/1.1 bytes (RFC 9112) on its way out: the head, and a bounded queue of its framed body.
// Keeps what it has sent as long as that is little, so that it can be sent again. On one loop.
class Outgoing {
 public:
  // Above this the sender is asked to wait; bodies up to this stay replayable.
  static constexpr std::size_t kQueueBytes = 64 * 1024;

  // `head_memory` is a string whose memory is used.
  Outgoing(const Request& request, std::string head_memory);
  // Puts the target's base path and Host into the head; called before each attempt.
  void address_to(const OriginUrl& url);

  enum class Accepted : std::uint8_t { kYes, kTooMuch };
  // Frames and queues body bytes; with a stream whose queue is empty they go out without being copied.
  // kTooMuch: more than was announced.
  [[nodiscard]] Accepted add_body(std::string_view bytes, Stream* stream);
  // False: less came than was announced.
  [[nodiscard]] bool finish(std::string_view trailer_block);

  enum class Progress : std::uint8_t { kAllSent, kBlocked, kWaitsForBody, kFailed };
  Progress flush(Stream& stream);
  Progress progress() const;

  bool finished() const { return finished_; }
  bool any_sent() const { return head_sent_ > 0 || broken_; }
  // Everything that was sent is still here.
  bool replayable() const { return !dropped_; }
  bool writable() const { return broken_ || queue_.size() - queue_sent_ < kQueueBytes; }
  void rewind() { head_sent_ = queue_sent_ = 0, broken_ = false; }
  int error() const { return error_; }
  std::string take_memory() { return std::move(head_); }

 private:
  void write_head(const Request& request);
  void write_through(const std::array<std::string_view, 3>& pieces, Stream& stream);
  void drop_sent();

  std::string head_;
  std::size_t base_at_ = 0;  // where the target's base path stands in the head, and its size
  std::size_t base_size_ = 0;
  std::size_t host_at_ = 0;  // the same for the value of Host
  std::size_t host_size_ = 0;
  bool own_host_ = false;  // Host is the target's
  bool asterisk_ = false;  // OPTIONS *
  std::string queue_;
  std::size_t head_sent_ = 0;
  std::size_t queue_sent_ = 0;
  std::optional<std::uint64_t> body_left_;
  bool chunked_ = false;
  bool finished_ = true;
  bool dropped_ = false;
  bool broken_ = false;  // writing failed; what is added is swallowed
  int error_ = 0;
};

}  // namespace meridian::upstream
