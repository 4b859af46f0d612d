#include "edge/tunnel.h"

#include <cstring>

namespace meridian::edge {

class Tunnel::Side final : public StreamHandler {
 public:
  explicit Side(Tunnel& tunnel) : tunnel_(tunnel) {}
  void on_readable() override { tunnel_.pump(); }
  void on_writable() override { tunnel_.pump(); }

 private:
  Tunnel& tunnel_;
};

Tunnel::Tunnel(EventLoop& loop, const Options& options, std::unique_ptr<Stream> client, Slice from_client,
               std::unique_ptr<Stream> origin, Slice from_origin, Ended ended)
    : loop_(loop),
      options_(options),
      client_side_(std::make_unique<Side>(*this)),
      origin_side_(std::make_unique<Side>(*this)),
      client_(std::move(client)),
      origin_(std::move(origin)),
      idle_(loop, [this] { cut(); }),
      ended_(std::move(ended)) {
  const auto prepare = [&](Way& way, Stream& from, Stream& to, const Slice& early) {
    way.from = &from;
    way.to = &to;
    way.buffer.resize(std::max(options_.buffer_bytes, early.size));
    if (early.size > 0) std::memcpy(way.buffer.data(), early.data, early.size);
    way.end = early.size;
  };
  prepare(up_, *client_, *origin_, from_client);
  prepare(down_, *origin_, *client_, from_origin);
  client_->set_handler(client_side_.get());
  origin_->set_handler(origin_side_.get());
  pump();
}

Tunnel::~Tunnel() { *alive_ = false; }

void Tunnel::cut() {
  if (over_) return;
  client_->reset_on_close();
  origin_->reset_on_close();
  end();
}

void Tunnel::pump() {
  if (over_) return;
  if (!move(up_) || !move(down_)) return cut();
  if (up_.shut && down_.shut) return end();
  arrange(*client_, down_, up_);
  arrange(*origin_, up_, down_);
  idle_.arm(options_.idle_timeout_ms);
}

// Moves what can be moved now; false when a side failed.
bool Tunnel::move(Way& way) {
  // Bounded, so that one busy tunnel cannot keep the loop for itself.
  for (int round = 0; round < 16; ++round) {
    if (way.begin == way.end && !way.eof) {
      const IoResult in = way.from->read(way.buffer.data(), way.buffer.size());
      if (in.kind == IoResult::Kind::kError) return false;
      if (in.kind == IoResult::Kind::kWouldBlock) return true;
      way.eof = in.kind == IoResult::Kind::kEof;
      way.begin = 0;
      way.end = in.kind == IoResult::Kind::kOk ? in.bytes : 0;
    }
    if (way.begin < way.end) {
      const iovec part{way.buffer.data() + way.begin, way.end - way.begin};
      const IoResult out = way.to->write(&part, 1);
      if (out.kind == IoResult::Kind::kWouldBlock) return true;
      if (out.kind != IoResult::Kind::kOk) return false;
      way.begin += out.bytes;
      way.bytes += out.bytes;
      continue;
    }
    if (way.eof && !way.shut) {
      way.to->shutdown_write();
      way.shut = true;
    }
    if (way.eof) return true;
  }
  return true;
}

void Tunnel::arrange(Stream& stream, const Way& out, const Way& in) {
  // A stream writes what `out` holds and reads what `in` has room for.
  stream.want(!in.eof && in.begin == in.end, out.begin < out.end);
}

void Tunnel::end() {
  over_ = true;
  idle_.cancel();
  client_->want(false, false);
  origin_->want(false, false);
  loop_.at_end_of_turn([this, alive = alive_] {
    if (!*alive) return;
    // Held here: whoever is told drops the tunnel, and with it the function that is running.
    const auto ended = std::move(ended_);
    ended(*this, up_.bytes, down_.bytes);
  });
}

}  // namespace meridian::edge
