#include "lib/net/memory_stream.h"

#include <algorithm>
#include <cerrno>
#include <string>

#include "lib/net/lifeline.h"

namespace meridian {
namespace {

class MemoryStream;

// What two ends share: one pipe for each direction.
struct Pipe {
  std::string bytes;
  std::size_t window_bytes = 0;
  bool ended = false;  // the writer wrote its last
  bool reset = false;  // the writer broke off
  bool reader_gone = false;
  MemoryStream* reader = nullptr;
  MemoryStream* writer = nullptr;
};

class MemoryStream final : public Stream {
 public:
  MemoryStream(EventLoop& loop, std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out, std::uint16_t local_port,
               std::uint16_t peer_port)
      : in_(std::move(in)),
        out_(std::move(out)),
        soon_(loop, [this] { notify(); }),
        local_(SocketAddress::from_ip("127.0.0.1", local_port).value()),
        peer_(SocketAddress::from_ip("127.0.0.1", peer_port).value()) {
    in_->reader = this;
    out_->writer = this;
  }
  ~MemoryStream() override;

  void set_handler(StreamHandler* handler) override { handler_ = handler; }
  void want(bool readable, bool writable) override {
    want_read_ = readable;
    want_write_ = writable;
    look();
  }
  IoResult read(char* to, std::size_t size) override;
  IoResult write(const iovec* parts, int count) override;
  void shutdown_write() override;
  void reset_on_close() override { reset_on_close_ = true; }
  const TlsInfo* tls() const override { return nullptr; }
  const SocketAddress& peer() const override { return peer_; }
  const SocketAddress& local() const override { return local_; }
  bool stale() const override { return can_read(); }
  int fd() const override { return -1; }

  // Calls the handler soon when something that it wants is so; also called by the other end.
  void look() {
    if ((want_read_ && can_read()) || (want_write_ && can_write())) soon_.schedule();
  }

 private:
  bool can_read() const { return !in_->bytes.empty() || in_->ended || in_->reset; }
  bool can_write() const { return out_->bytes.size() < out_->window_bytes || out_->reader_gone; }
  void notify();

  std::shared_ptr<Pipe> in_;
  std::shared_ptr<Pipe> out_;
  Soon soon_;
  SocketAddress local_;
  SocketAddress peer_;
  StreamHandler* handler_ = nullptr;
  bool want_read_ = false;
  bool want_write_ = false;
  bool reset_on_close_ = false;
  Lifeline lifeline_;
};

void wake(MemoryStream* stream) {
  if (stream != nullptr) stream->look();
}

MemoryStream::~MemoryStream() {
  in_->reader = nullptr;
  in_->reader_gone = true;
  out_->writer = nullptr;
  if (reset_on_close_) {
    out_->reset = true;
    out_->bytes.clear();
  }
  out_->ended = true;
  wake(out_->reader);
  wake(in_->writer);
}

void MemoryStream::notify() {
  const Lifeline::Scope scope(lifeline_);
  if (handler_ != nullptr && want_read_ && can_read()) handler_->on_readable();
  if (scope.alive() && handler_ != nullptr && want_write_ && can_write()) handler_->on_writable();
  if (scope.alive()) look();
}

IoResult MemoryStream::read(char* to, std::size_t size) {
  if (in_->reset) return {IoResult::Kind::kError, 0, ECONNRESET};
  const std::size_t taken = std::min(size, in_->bytes.size());
  if (taken == 0 && size != 0) return {in_->ended ? IoResult::Kind::kEof : IoResult::Kind::kWouldBlock, 0, 0};
  in_->bytes.copy(to, taken);
  in_->bytes.erase(0, taken);
  wake(in_->writer);
  return {IoResult::Kind::kOk, taken, 0};
}

IoResult MemoryStream::write(const iovec* parts, int count) {
  if (out_->ended || out_->reader_gone) return {IoResult::Kind::kError, 0, EPIPE};
  std::size_t room = out_->window_bytes - std::min(out_->window_bytes, out_->bytes.size());
  std::size_t offered = 0;
  std::size_t written = 0;
  for (int i = 0; i < count; ++i) {
    const std::size_t part = std::min(room, parts[i].iov_len);
    out_->bytes.append(static_cast<const char*>(parts[i].iov_base), part);
    offered += parts[i].iov_len;
    written += part;
    room -= part;
  }
  if (written == 0 && offered != 0) return {IoResult::Kind::kWouldBlock, 0, 0};
  wake(out_->reader);
  return {IoResult::Kind::kOk, written, 0};
}

void MemoryStream::shutdown_write() {
  out_->ended = true;
  wake(out_->reader);
}

}  // namespace

std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> memory_stream_pair(EventLoop& loop,
                                                                               std::size_t window_bytes) {
  constexpr std::uint16_t kFirstPort = 1;
  constexpr std::uint16_t kSecondPort = 2;
  auto there = std::make_shared<Pipe>();
  auto back = std::make_shared<Pipe>();
  there->window_bytes = back->window_bytes = window_bytes;
  return {std::make_unique<MemoryStream>(loop, back, there, kFirstPort, kSecondPort),
          std::make_unique<MemoryStream>(loop, there, back, kSecondPort, kFirstPort)};
}

}  // namespace meridian
