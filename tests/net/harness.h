#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "lib/net/event_loop.h"
#include "lib/net/listener.h"
#include "lib/net/stream.h"

// What the tests of this room share: a loop stepped by hand, and handlers that keep what they are told.
namespace meridian::test {

inline std::unique_ptr<EventLoop> make_loop(const Clock& clock = system_clock()) {
  return EventLoop::create(clock).value();
}

// Steps the loop until `done`; false when that does not come to pass (the bound is only there to end a broken
// test).
inline bool drive(EventLoop& loop, const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    loop.run_once();
  }
  return true;
}

// A stream and all that came on it.
class Peer : public StreamHandler {
 public:
  Peer() = default;
  explicit Peer(std::unique_ptr<Stream> stream) { take(std::move(stream)); }
  virtual ~Peer() = default;

  void take(std::unique_ptr<Stream> stream) {
    stream_ = std::move(stream);
    unsent_.clear();
    received_.clear();
    last_ = {};
    stream_->set_handler(this);
    stream_->want(true, false);
  }
  Stream& stream() { return *stream_; }
  bool connected() const { return stream_ != nullptr; }
  void drop() { stream_.reset(); }

  void send(std::string_view bytes) {
    unsent_ += bytes;
    flush();
  }
  bool sent_all() const { return unsent_.empty(); }
  const std::string& received() const { return received_; }
  IoResult last() const { return last_; }
  bool ended() const { return last_.kind == IoResult::Kind::kEof; }
  bool failed() const { return last_.kind == IoResult::Kind::kError; }

  void on_readable() override {
    char buffer[4096];
    for (;;) {
      last_ = stream_->read(buffer, sizeof buffer);
      if (last_.kind != IoResult::Kind::kOk) break;
      received_.append(buffer, last_.bytes);
      if (last_.bytes < sizeof buffer) return;
    }
    if (last_.kind != IoResult::Kind::kWouldBlock) stream_->want(false, false);
  }
  void on_writable() override { flush(); }

 private:
  void flush() {
    while (!unsent_.empty()) {
      const iovec part{unsent_.data(), unsent_.size()};
      const IoResult result = stream_->write(&part, 1);
      if (result.kind == IoResult::Kind::kError) {
        last_ = result;
        unsent_.clear();
        stream_->want(false, false);
        return;
      }
      if (result.kind == IoResult::Kind::kWouldBlock) break;
      unsent_.erase(0, result.bytes);
    }
    stream_->want(true, !unsent_.empty());
  }

  std::unique_ptr<Stream> stream_;
  std::string unsent_;
  std::string received_;
  IoResult last_;
};

// Bytes without a short period, so that a lost or doubled piece shows.
inline std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 12345;
  for (char& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

}  // namespace meridian::test
