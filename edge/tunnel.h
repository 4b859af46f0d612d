#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "lib/base/bytes.h"
#include "lib/net/event_loop.h"
#include "lib/net/stream.h"

namespace meridian::edge {

// Two streams joined after a 101: bytes go both ways as they come (RFC 9110 section 7.8), each direction with
// one bounded buffer, half-closes passed on. On one loop; owned by its worker.
class Tunnel {
 public:
  struct Options {
    std::int64_t idle_timeout_ms = 3'600'000;
    std::size_t buffer_bytes = 32 * 1024;
  };
  // `ended` is called once, at the end of a turn, and may destroy the tunnel.
  using Ended = std::function<void(Tunnel&, std::uint64_t bytes_up, std::uint64_t bytes_down)>;
  Tunnel(EventLoop& loop, const Options& options, std::unique_ptr<Stream> client, Slice from_client,
         std::unique_ptr<Stream> origin, Slice from_origin, Ended ended);
  ~Tunnel();
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;
  // Cuts both sides.
  void cut();

 private:
  // One direction: what was read from `from` and not yet taken by `to`.
  struct Way {
    Stream* from = nullptr;
    Stream* to = nullptr;
    std::vector<char> buffer;
    std::size_t begin = 0, end = 0;
    bool eof = false;
    bool shut = false;
    std::uint64_t bytes = 0;
  };
  class Side;
  void pump();
  bool move(Way& way);
  void arrange(Stream& stream, const Way& out, const Way& in);
  void end();

  EventLoop& loop_;
  Options options_;
  std::unique_ptr<Side> client_side_, origin_side_;
  std::unique_ptr<Stream> client_, origin_;
  Way up_, down_;
  Timer idle_;
  Ended ended_;
  bool over_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace meridian::edge
